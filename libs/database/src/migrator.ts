import type { Client } from 'pg';
import type { MigrationInterface } from 'typeorm';
import { DEFAULT_SCHEMA, lockClass } from './in-schema.js';
import { DatabaseError } from './reach-database.js';
import { openSession, sessionConfig, type SessionOptions } from './session-client.js';
import { timeouts } from './session-settings.js';

export type Migration = new () => MigrationInterface;

export interface MigrateOptions {
  readonly isPooled?: boolean;
  /** The schema that the migrations make, {@link DEFAULT_SCHEMA} unless it is given. */
  readonly schema?: string;
}

/** The key of the lock in the default schema. */
const MIGRATION_LOCK = 7_255_361_001;
/** No timeouts: a start waits however long another instance migrates, and whatever role and database say. */
const PATIENTLY = timeouts(0, 0, 0);
const APPLICATION_NAME = 'trunkline-migrate';

/**
 * Applies the missing migrations, each in its own transaction. TypeORM takes no lock, so the run is wrapped in an
 * advisory one: of ten starting instances one migrates and nine wait. The lock belongs to a transaction, because a
 * session's lock would be anybody's behind a pooler; the transaction that holds it changes nothing.
 * @returns the names of the migrations applied by this call
 * @throws {@link DatabaseError} if a version before the first release made the schema
 */
export async function migrate(
  url: string,
  migrations: readonly Migration[],
  given: MigrateOptions = {},
): Promise<string[]> {
  const { isPooled = false, schema = DEFAULT_SCHEMA } = given;
  const options = { url, applicationName: APPLICATION_NAME, isPooled, settings: PATIENTLY };
  const lock = await openSession(options, { connectionTimeoutMillis: 10_000 });
  try {
    await lock.query('begin');
    for (const name of Object.keys(PATIENTLY)) await lock.query(`set local ${name} = 0`);
    await lock.query('select pg_advisory_xact_lock($1)', [migrationLock(schema)]);
    const applied = await findApplied(lock, schema);
    assertReleased(applied, migrations, schema);
    return migrations.every(({ name }) => applied.has(name)) ? [] : await run(options, migrations, schema);
  } finally {
    await lock.end();
  }
}

/** Reads which migrations are applied. Nearly every start finds all of them, and saves the 0.3 s of loading TypeORM. */
async function findApplied(session: Client, schema: string): Promise<Set<string>> {
  const exists = await session.query<{ yes: boolean }>(`select to_regclass($1) is not null as yes`, [
    `"${schema}".migrations`,
  ]);
  if (exists.rows[0]?.yes !== true) return new Set();
  const { rows } = await session.query<{ name: string }>(`select name from "${schema}".migrations order by id`);
  return new Set(rows.map(({ name }) => name));
}

/** Refuses a schema that the migrations did not begin: applying them to it would stop at its first table. */
function assertReleased(applied: ReadonlySet<string>, [first]: readonly Migration[], schema: string): void {
  if (first === undefined || applied.size === 0 || applied.has(first.name)) return;
  throw new DatabaseError(
    `the schema ${schema} of this database was made by a version before the first release, and cannot be brought up to date: use an empty database, or drop this schema with all that is in it (DROP SCHEMA "${schema}" CASCADE)`,
  );
}

async function run(options: SessionOptions, migrations: readonly Migration[], schema: string): Promise<string[]> {
  const { DataSource } = await import('typeorm');
  const source = new DataSource({
    type: 'postgres',
    url: options.url,
    schema,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    applicationName: APPLICATION_NAME,
    extra: sessionConfig(options),
  });
  await source.initialize();
  try {
    // This is asked first, because creating wants the right to create schemas even if there is nothing to create.
    const schemas = await source.query<unknown[]>('select from pg_namespace where nspname = $1', [schema]);
    if (schemas.length === 0) await source.query(`create schema "${schema}"`);
    const applied = await source.runMigrations({ transaction: 'each' });
    return applied.map(({ name }) => name);
  } finally {
    await source.destroy();
  }
}

/** A session waits for other starts of its product alone, not for those of another schema. */
function migrationLock(schema: string): number {
  return MIGRATION_LOCK - 7_255 + lockClass(7_255, schema);
}
