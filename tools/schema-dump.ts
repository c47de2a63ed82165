import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '#database';
import { startEmbeddedPostgres } from '#embedded-postgres';
import { MIGRATIONS } from '../migrations/index.js';

/*
 * Keeps migrations/schema.sql, the schema that all migrations together make: `--write` writes it, `--check` fails if it
 * is out of date. The schema is read from PostgreSQL's catalogue, because the embedded PostgreSQL has no pg_dump.
 */
const FILE = join(import.meta.dirname, '../../migrations/schema.sql');

const TABLES = `
  select c.oid, c.relname as name, c.relpersistence = 'u' as unlogged, pg_get_partkeydef(c.oid) as partition_key,
         array_to_string(c.reloptions, ', ') as options
    from pg_class c where c.relnamespace = 'trunkline'::regnamespace and c.relkind in ('r', 'p')
     and not c.relispartition and c.relname <> 'migrations' order by c.relname`;
const COLUMNS = `
  select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         || case when co.collname not in ('default') then ' collate "' || co.collname || '"' else '' end
         || case when a.attnotnull then ' not null' else '' end
         || case when a.attidentity <> '' then ' generated always as identity' else '' end
         || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as definition
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation co on co.oid = a.attcollation
   where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;
// Since version 18 a not-null is a constraint as well; the columns show it already.
const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as definition
    from pg_constraint where conrelid = $1 and contype <> 'n' order by conname`;
const INDEXES = `
  select indexdef || ';' as definition from pg_indexes where schemaname = 'trunkline' and tablename = $1
     and not exists (select from pg_constraint where conname = indexname) order by indexname`;
const PARTITIONS = `
  select 'create table trunkline.' || c.relname || ' partition of trunkline.' || $2 || ' '
         || lower(pg_get_expr(c.relpartbound, c.oid)) || ';' as definition
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1 order by c.relname`;
const VIEWS = `
  select 'create view trunkline.' || viewname || ' as' || chr(10) || definition as definition
    from pg_views where schemaname = 'trunkline' order by viewname`;
const FUNCTIONS = `
  select pg_get_functiondef(oid) || ';' as definition from pg_proc
   where pronamespace = 'trunkline'::regnamespace order by proname`;

interface Table {
  oid: number;
  name: string;
  unlogged: boolean;
  partition_key: string | null;
  options: string | null;
}

async function dump(client: Client): Promise<string> {
  const list = async (text: string, values: unknown[] = []): Promise<string[]> =>
    (await client.query<{ definition: string }>(text, values)).rows.map(({ definition }) => definition);
  const { rows: tables } = await client.query<Table>(TABLES);
  const parts = ['-- Generated from the migrations by `npm run schema`; compared by `npm run check`.'];
  for (const table of tables) {
    const body = [...(await list(COLUMNS, [table.oid])), ...(await list(CONSTRAINTS, [table.oid]))];
    const after =
      (table.partition_key ? ` partition by ${table.partition_key.toLowerCase()}` : '') +
      (table.options ? ` with (${table.options})` : '');
    const create = `create ${table.unlogged ? 'unlogged ' : ''}table trunkline.${table.name} (\n  ${body.join(',\n  ')}\n)${after};`;
    parts.push(
      [create, ...(await list(INDEXES, [table.name])), ...(await list(PARTITIONS, [table.oid, table.name]))].join('\n'),
    );
  }
  parts.push(...(await list(VIEWS)), ...(await list(FUNCTIONS)));
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

async function dumpMigrated(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'trunkline-schema-'));
  // Started by root, the server runs under another account, which must be able to enter the directory.
  await chmod(directory, 0o755);
  const postgres = await startEmbeddedPostgres({ directory });
  try {
    await migrate(postgres.url, MIGRATIONS);
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    return await dump(client).finally(() => client.end());
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
