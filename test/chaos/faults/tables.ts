import { pause } from '../fixtures/pause.js';
import type { Fault } from './fault.js';

export const LOCK_MESSAGES: Fault = {
  name: 'lock-messages',
  does: 'LOCK TABLE trunkline.messages for 10 s (short runs: 4 s)',
  lastsMs: { short: 4_500, long: 10_500 },
  weight: 6,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  async inflict({ environment, begin, signal, isLong }) {
    await environment.database.withSession('trunkline', async (session) => {
      begin('access exclusive');
      await session.query('begin');
      await session.query('lock table trunkline.messages in access exclusive mode');
      await pause(isLong ? 10_000 : 4_000, signal);
      await session.query('rollback');
    });
  },
};

const ELSEWHERE = 'elsewhere';

export const LONG_TRANSACTION: Fault = {
  name: 'long-transaction',
  does: 'a transaction that has written stays open in another database for 60 s (short runs: 15 s), while others strike',
  lastsMs: { short: 15_000, long: 60_000 },
  weight: 5,
  countsFrom: 'publish',
  recoversWithinMs: 2_000,
  isBackground: true,
  async inflict({ environment, begin, signal, isLong }) {
    const known = await environment.database.query('select from pg_database where datname = $1', [ELSEWHERE]);
    if (known.length === 0) await environment.database.query(`create database ${ELSEWHERE}`);
    await environment.database.withSession(ELSEWHERE, async (session) => {
      begin(ELSEWHERE);
      await session.query('begin');
      await session.query('create table if not exists written (at timestamptz)');
      await session.query('insert into written values (now())');
      // Another fault may end the session earlier. Closing the session rolls back.
      const ended = new Promise<void>((resolve) => session.once('end', resolve));
      await Promise.race([ended, pause(isLong ? 60_000 : 15_000, signal)]);
    });
  },
};

/** Locks the table first, because readers and writers lock it before its partitions; another order could deadlock. */
const LOCK = 'lock table trunkline.messages in access exclusive mode';
const FILL = `
  ${LOCK};
  create or replace function trunkline.chaos_disk_full() returns trigger language plpgsql as $$
  begin
    raise exception 'could not extend file: No space left on device' using errcode = '53100';
  end $$;
  create or replace trigger chaos_disk_full before insert on trunkline.messages
    for each row execute function trunkline.chaos_disk_full()`;
const EMPTY = `${LOCK}; drop function if exists trunkline.chaos_disk_full() cascade`;

export const DISK_FULL: Fault = {
  name: 'disk-full',
  does: 'inserting messages fails with 53100 (a trigger says so: a full disk of one’s own takes root)',
  lastsMs: { short: 4_500, long: 5_500 },
  weight: 5,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, begin, signal }) {
    begin('messages cannot grow');
    try {
      await database.query(FILL);
      await pause(4_000, signal);
    } finally {
      await database.heal(EMPTY);
    }
  },
};

const PUBLICATION = 'chaos_all';

export const PUBLICATION_FOR_ALL: Fault = {
  name: 'publication',
  does: 'a publication for all tables: one without a key or a replica identity would refuse updates and deletes (55000)',
  lastsMs: { short: 5_000, long: 8_000 },
  weight: 5,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, begin, signal, isLong }) {
    begin('for all tables');
    try {
      await database.query(`create publication ${PUBLICATION} for all tables`);
      await pause(isLong ? 7_500 : 4_500, signal);
    } finally {
      await database.heal(`drop publication if exists ${PUBLICATION}`);
    }
  },
};
