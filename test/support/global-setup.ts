import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedPostgres } from '#embedded-postgres';
import { PgBouncer } from './pg-bouncer.js';
import { POOLER_HOST, WITH_POOLER } from './pooled-suite.js';
import { startTestPostgres } from './start-test-postgres.js';
import { createTemplate } from './test-database.js';

declare global {
  var trunklineTestPostgres: { postgres: EmbeddedPostgres; directory: string; pooler?: PgBouncer } | undefined;
}

/** Starts one real PostgreSQL for the whole run, with a migrated template database that each test file clones. */
export default async function setup(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'trunkline-test-'));
  // Otherwise PostgreSQL, which never runs as root, would keep its data elsewhere, and the teardown would not find
  // them.
  await chmod(directory, 0o755);
  const postgres = await startTestPostgres({ directory });
  globalThis.trunklineTestPostgres = { postgres, directory };
  await createTemplate(postgres.url);
  // Workers inherit the environment of this process.
  process.env['TRUNKLINE_TEST_URL'] = postgres.url;
  if (process.env[WITH_POOLER]) {
    const pooler = await PgBouncer.start(postgres.url);
    globalThis.trunklineTestPostgres.pooler = pooler;
    process.env[POOLER_HOST] = new URL(pooler.urlOf(postgres.url)).host;
  }
  await writeFile(join(directory, 'owner'), String(process.pid));
}
