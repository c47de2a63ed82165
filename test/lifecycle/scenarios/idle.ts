import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { OwnPostgres } from '../../support/own-postgres.js';
import { query } from '../../support/test-database.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { gather } from '../fixtures/gather.js';
import { inEnvironment, type LifecycleEnvironment } from '../fixtures/lifecycle-environment.js';

const SECONDS = 600;
/** In this time everything that a start writes is written, and autovacuum has learned of it (autovacuum_naptime). */
const SETTLE_MS = 70_000;
const WAL_KB = 60;
const WRITES_PER_S = 0.5;

export const IDLE: LifecycleScenario = {
  name: 'idle',
  does: '3 idle instances for 10 minutes (with --clients connected): NOTIFY, WAL and writes',
  async run({ clients = 0, seconds = SECONDS, note }) {
    const untouched = await OwnPostgres.start();
    try {
      return await inEnvironment({}, async (environment) => {
        environment.members.push(...(await gather(clients, { url: () => environment.fleet.at(0).url })));
        note(`${clients} clients are connected; settling`);
        await environment.query('create extension pg_walinspect');
        await delay(SETTLE_MS);
        for (const url of [environment.databaseUrl, untouched.url]) await vacuum(url);
        const [start] = await environment.query('select pg_current_wal_insert_lsn()::text as lsn');
        const figures = await idle(environment, untouched, seconds);
        for (const line of await walSince(environment.databaseUrl, start?.['lsn'])) note(line);
        for (const line of await visitedByAutovacuum(environment.databaseUrl, seconds)) note(line);
        return figures;
      });
    } finally {
      await untouched.remove();
    }
  },
};

export async function idle(
  { fleet, query: ask, databaseUrl }: LifecycleEnvironment,
  untouched: OwnPostgres,
  seconds: number,
): Promise<Figure[]> {
  const ear = await listen(
    databaseUrl,
    fleet.servers.map(({ instanceId }) => instanceId),
  );
  const before = {
    own: await walOf(ask),
    other: await walOf((text) => untouched.query(text)),
    writes: await writes(ask),
  };
  await delay(seconds * 1_000);
  const own = (await walOf(ask)) - before.own;
  const other = (await walOf((text) => untouched.query(text))) - before.other;
  const written = (await writes(ask)) - before.writes;
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

/**
 * Does once, in all databases, what autovacuum would find to do after the start, because all databases share one WAL.
 * If it is done earlier, autovacuum finds the catalogs changed enough to analyze them again, in the middle of the
 * idleness: 50 KB.
 */
async function vacuum(url: string): Promise<void> {
  const databases = await query<{ datname: string }>(url, 'select datname from pg_database where datallowconn');
  for (const { datname } of databases) {
    const own = new URL(url);
    own.pathname = `/${datname}`;
    await query(own.href, 'vacuum (analyze)');
    // The first vacuum leaves this table full of dead rows.
    await query(own.href, 'vacuum pg_catalog.pg_statistic');
  }
}

type Ask = (text: string) => Promise<Record<string, unknown>[]>;

async function walOf(ask: Ask): Promise<number> {
  const [row] = await ask(`select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`);
  return row?.['bytes'] as number;
}

/** Lists for what the WAL was written, the most first: kind, records, bytes. */
async function walSince(url: string, lsn: unknown): Promise<string[]> {
  const rows = await query<{ line: string }>(
    url,
    `select format('WAL: %s, %s records, %s bytes', "resource_manager/record_type", count, combined_size) as line
       from pg_get_wal_stats($1::pg_lsn, pg_current_wal_flush_lsn(), true)
      where count > 0 order by combined_size desc limit 8`,
    [lsn],
  );
  return rows.map(({ line }) => line);
}

/** Lists the tables that autovacuum visited. Work put off from before is no cost of being idle; work that recurs is. */
async function visitedByAutovacuum(url: string, seconds: number): Promise<string[]> {
  const rows = await query<{ line: string }>(
    url,
    `select format('autovacuum: %s.%s, vacuumed %s, analyzed %s', schemaname, relname, last_autovacuum, last_autoanalyze) as line
       from pg_stat_all_tables
      where greatest(last_autovacuum, last_autoanalyze) > now() - $1 * interval '1 second'`,
    [seconds],
  );
  return rows.map(({ line }) => line);
}

/** Counts the rows written to the tables of the registry. */
async function writes(ask: Ask): Promise<number> {
  const [row] = await ask(
    `select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as count from pg_stat_user_tables
      where schemaname = 'trunkline' and relname in ('instances', 'connections', 'routes')`,
  );
  return row?.['count'] as number;
}

/** Listens to what the instances are told, because every session that listens gets a NOTIFY. */
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
