import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { OwnPostgres } from '../../support/own-postgres.js';
import type { Figure, Show } from '../show.js';
import { gather } from '../world/gather.js';
import { onStage, type Stage } from '../world/stage.js';

const SECONDS = 600;
/** Until what a start writes is written. */
const SETTLE_MS = 20_000;
const WAL_KB = 60;
const WRITES_PER_S = 0.5;

export const IDLE: Show = {
  name: 'idle',
  does: '3 idle instances for 10 minutes (with --clients connected): NOTIFY, WAL and writes',
  async run({ clients = 0, seconds = SECONDS, note }) {
    const untouched = await OwnPostgres.start();
    try {
      return await onStage({}, async (stage) => {
        stage.members.push(...(await gather(clients, { url: () => stage.fleet.at(0).url })));
        note(`${clients} clients are connected; settling`);
        // What autovacuum would find to do after the start, once, and in both.
        for (const ask of [stage.query, (text: string) => untouched.query(text)]) await ask('vacuum (analyze)');
        await delay(SETTLE_MS);
        return idle(stage, untouched, seconds);
      });
    } finally {
      await untouched.remove();
    }
  },
};

export async function idle(
  { fleet, query, databaseUrl }: Stage,
  untouched: OwnPostgres,
  seconds: number,
): Promise<Figure[]> {
  const ear = await listen(
    databaseUrl,
    fleet.servers.map(({ instanceId }) => instanceId),
  );
  const before = {
    own: await walOf(query),
    other: await walOf((text) => untouched.query(text)),
    writes: await writes(query),
  };
  await delay(seconds * 1_000);
  const own = (await walOf(query)) - before.own;
  const other = (await walOf((text) => untouched.query(text))) - before.other;
  const written = (await writes(query)) - before.writes;
  await ear.session.end();
  const writesPerS = written / seconds / fleet.servers.length;
  return [
    { what: 'NOTIFYs', value: ear.heard.length, atMost: 0 },
    { what: `WAL in ${seconds} s`, value: own / 1_024, unit: 'KB' },
    { what: 'WAL of an untouched PostgreSQL meanwhile', value: other / 1_024, unit: 'KB' },
    { what: 'WAL beyond that', value: (own - other) / 1_024, unit: 'KB', atMost: WAL_KB },
    { what: 'rows written to the registry, per instance and 10 s', value: writesPerS * 10, atMost: WRITES_PER_S * 10 },
  ];
}

type Ask = (text: string) => Promise<Record<string, unknown>[]>;

async function walOf(ask: Ask): Promise<number> {
  const [row] = await ask(`select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`);
  return row?.['bytes'] as number;
}

/** Rows written to the tables that say who is here. */
async function writes(ask: Ask): Promise<number> {
  const [row] = await ask(
    `select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as count from pg_stat_user_tables
      where schemaname = 'trunkline' and relname in ('instances', 'connections', 'routes')`,
  );
  return row?.['count'] as number;
}

/** What the instances are told; a NOTIFY reaches whoever listens. */
async function listen(
  databaseUrl: string,
  instanceIds: readonly string[],
): Promise<{ session: Client; heard: string[] }> {
  const session = new Client({ connectionString: databaseUrl });
  const heard: string[] = [];
  session.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await session.connect();
  for (const id of instanceIds) await session.query(`listen "trunkline_${id}"`);
  return { session, heard };
}
