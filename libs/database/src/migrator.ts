import { Client } from 'pg';
import type { MigrationInterface } from 'typeorm';

export type Migration = new () => MigrationInterface;

const MIGRATION_LOCK = 7_255_361_001;

/**
 * Applies what is missing, each migration in its own transaction. TypeORM takes no lock, so the run is wrapped in an
 * advisory one: of ten starting instances one migrates and nine wait. It is a transaction's lock and not a session's,
 * which behind a pooler would be anybody's; the transaction that holds it does nothing else.
 * @returns the names of the migrations applied by this call
 */
export async function migrate(url: string, migrations: readonly Migration[]): Promise<string[]> {
  const lock = new Client({
    connectionString: url,
    application_name: 'trunkline-migrate',
    connectionTimeoutMillis: 10_000,
  });
  // The query that fails reports the error; this keeps an idle loss from ending the process.
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    await lock.query('begin');
    await lock.query('set local idle_in_transaction_session_timeout = 0');
    await lock.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    return (await isUpToDate(lock, migrations)) ? [] : await run(url, migrations);
  } finally {
    await lock.end();
  }
}

/** As nearly every start finds it, which then need not load TypeORM: 0.3 s of its time. */
async function isUpToDate(session: Client, migrations: readonly Migration[]): Promise<boolean> {
  const exists = await session.query<{ yes: boolean }>(`select to_regclass('trunkline.migrations') is not null as yes`);
  if (exists.rows[0]?.yes !== true) return false;
  const { rows } = await session.query<{ name: string }>('select name from trunkline.migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return migrations.every(({ name }) => applied.has(name));
}

async function run(url: string, migrations: readonly Migration[]): Promise<string[]> {
  const { DataSource } = await import('typeorm');
  const source = new DataSource({
    type: 'postgres',
    url,
    schema: 'trunkline',
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    applicationName: 'trunkline-migrate',
  });
  await source.initialize();
  try {
    await source.query('create schema if not exists trunkline');
    const applied = await source.runMigrations({ transaction: 'each' });
    return applied.map(({ name }) => name);
  } finally {
    await source.destroy();
  }
}
