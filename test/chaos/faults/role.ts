import { pause } from '../fixtures/pause.js';
import type { Fault, Scene } from './fault.js';
import { expectOutageIsSurvived, OUR_SESSIONS } from './postgres.js';

/** The role and the database of the instances. The suite has a role of its own. */
const [ROLE, DATABASE] = ['trunkline', 'trunkline'];
const TERMINATE_ALL = `select pg_terminate_backend(pid) from (${OUR_SESSIONS}) as ours`;

/** Settings that change how PostgreSQL writes a value as text. */
const SETTINGS = {
  datestyle: ['SQL, DMY', 'German', 'Postgres, MDY'],
  intervalstyle: ['sql_standard', 'iso_8601'],
  timezone: ['Asia/Kolkata', 'America/St_Johns'],
  bytea_output: ['escape'],
  extra_float_digits: ['-15'],
} as const;

export const FOREIGN_SETTINGS: Fault = {
  name: 'foreign-settings',
  does: 'the role or the database gets another DateStyle, time zone and the like, and all connections are made anew',
  lastsMs: { short: 5_000, long: 8_000 },
  weight: 5,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, dice, begin, signal, isLong }) {
    const whose = dice.pick([`role ${ROLE}`, `database ${DATABASE}`]);
    const chosen = Object.entries(SETTINGS).map(([name, values]) => `${name} = '${dice.pick<string>(values)}'`);
    begin(`${whose}: ${chosen.join(', ')}`);
    try {
      await database.query(chosen.map((setting) => `alter ${whose} set ${setting}`).join('; '));
      await database.query(TERMINATE_ALL);
      await pause(isLong ? 7_500 : 4_500, signal);
    } finally {
      await database.heal(`alter ${whose} reset all`);
      // Otherwise the sessions would keep these settings for as long as they last.
      await database.heal(TERMINATE_ALL);
    }
  },
};

interface Lock {
  readonly close: string;
  readonly open: string;
}

export const LOGIN_CLOSED: Fault = {
  name: 'login-closed',
  does: 'the role may not log in, has another password, or the database takes no connections, for 10 s; all sessions end',
  lastsMs: { short: 6_500, long: 10_500 },
  weight: 5,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  answersWithinMs: 5_000,
  inflict: (scene) => expectOutageIsSurvived(scene, () => closeLogin(scene)),
};

async function closeLogin({ environment: { database }, dice, begin, signal, isLong }: Scene): Promise<void> {
  const { close, open } = dice.pick(locks(decodeURIComponent(new URL(database.url).password)));
  begin(close);
  try {
    await database.withSession('postgres', async (session) => {
      await session.query(close);
      await session.query(TERMINATE_ALL);
    });
    await pause(isLong ? 10_000 : 6_000, signal);
  } finally {
    await database.heal(open, 'postgres');
  }
}

function locks(password: string): Lock[] {
  return [
    { close: `alter role ${ROLE} nologin`, open: `alter role ${ROLE} login` },
    { close: `alter role ${ROLE} password 'another'`, open: `alter role ${ROLE} password '${password}'` },
    {
      close: `alter database ${DATABASE} allow_connections false`,
      open: `alter database ${DATABASE} allow_connections true`,
    },
  ];
}
