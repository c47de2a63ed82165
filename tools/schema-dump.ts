import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '#database';
import { startEmbeddedPostgres } from '#embedded-postgres';
import { MIGRATIONS } from '../migrations/index.js';
import { describeSchema } from './schema/describe-schema.js';

// Keeps migrations/schema.sql, the schema that all migrations together make: `--write` writes it, `--check` fails if it is
// out of date.
const FILE = join(import.meta.dirname, '../../migrations/schema.sql');

async function dumpMigrated(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'trunkline-schema-'));
  // Started by root, the server runs under another account, which must be able to enter the directory.
  await chmod(directory, 0o755);
  const postgres = await startEmbeddedPostgres({ directory });
  try {
    await migrate(postgres.url, MIGRATIONS);
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    return await describeSchema(client).finally(() => client.end());
  } finally {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const schema = await dumpMigrated();
if (process.argv.includes('--write')) await writeFile(FILE, schema);
else if ((await readFile(FILE, 'utf8')) !== schema) {
  process.stderr.write('migrations/schema.sql is out of date: run npm run schema and commit it\n');
  process.exitCode = 1;
}
