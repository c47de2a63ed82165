import type { ResolvedSettings } from '#config';
import {
  DatabaseError,
  migrate,
  statement,
  unsafeSettings,
  withRetry,
  wrongSessionSettings,
  type Database,
} from '#database';
import type { Logger } from '#observability';
import { fileOf, MIGRATIONS } from '../../../../migrations/index.js';

const DEADLINE_MS = 10_000;

/**
 * Applies the missing migrations and tries again for 10 s.
 * @returns the files of the migrations that were missing
 */
export async function migrateDatabase({ url, listenUrl, schema }: ResolvedSettings['database']): Promise<string[]> {
  const run = () => migrate(listenUrl ?? url, MIGRATIONS, { isPooled: listenUrl === undefined, schema });
  return (await withRetry(run, { deadlineMs: DEADLINE_MS })).map(fileOf);
}

const READ_MIGRATIONS = statement<{ name: string }>(
  'read_migrations',
  'work',
  'select name from trunkline.migrations order by id',
);

interface Checked {
  readonly database: Database;
  readonly log: Logger;
}

/**
 * Refuses a database on which the promises do not hold, and warns of one that is newer than the program or, outside
 * production, may lose messages in a crash.
 */
export async function checkDatabase(settings: ResolvedSettings, { database, log }: Checked): Promise<void> {
  await withRetry(() => check(settings, database, log), { deadlineMs: DEADLINE_MS });
}

async function check({ isProduction }: ResolvedSettings, database: Database, log: Logger): Promise<void> {
  const applied = (await database.rows(READ_MIGRATIONS)).map(({ name }) => name);
  const newer = applied.filter((name) => !MIGRATIONS.some((known) => known.name === name));
  if (newer.length > 0) {
    log.warn(
      { migrations: newer },
      'the schema is newer than this program: a newer version has migrated this database',
    );
  }
  assertSession(await wrongSessionSettings(database));
  const losses = await unsafeSettings(database);
  if (losses.length === 0) return;
  const message = `PostgreSQL runs with ${losses.join(', ')}: acknowledged messages can be lost in a crash`;
  if (isProduction) throw new DatabaseError(message);
  log.warn(message);
}

function assertSession(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new DatabaseError(
    `role or database set ${faults.join(', ')}, which behind a pooler an instance cannot change and cannot work with: ALTER ROLE … RESET, see docs/operations.md, "Behind a pooler"`,
  );
}
