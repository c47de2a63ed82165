import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { describeSchema } from '../../tools/schema/describe-schema.js';
import { connectPlainly } from '../support/hostile-settings.js';
import { createEmptyDatabase, type TestDatabase } from '../support/test-database.js';

const SCHEMA = join(import.meta.dirname, '../../migrations/schema.sql');

/** Rows that a server or an application writes, each as soon as there is the table that it is about. */
const ROWS: [table: string, insert: string][] = [
  [
    'messages',
    `select trunkline.append(array['group:old'], array[gen_random_uuid()], array['user:ann'], array['ann'], array['t'],
                             array['"appended"'], array[null], array[null], array[null]::bigint[],
                             array[null], interval '1 day')`,
  ],
  ['memberships', `insert into trunkline.memberships (channel, user_id, joined_seq) values ('group:old', 'ben', 0)`],
  ['devices', `insert into trunkline.devices (user_id, device_id) values ('ben', 'phone')`],
  ['outbox', `select trunkline.publish('group:old', 't', '"published"', '{"publishId": "first"}')`],
];

let test: TestDatabase;

beforeEach(async () => (test = await createEmptyDatabase()));
afterEach(() => test.drop());

describe('the migrations after', () => {
  it.each(MIGRATIONS.map(({ name }, index) => [name, index + 1] as const))(
    '%s are applied to a database with rows, keep them, and make the schema of schema.sql',
    async (_, count) => {
      expect(await migrate(test.url, MIGRATIONS.slice(0, count))).toHaveLength(count);
      const filled = await fill();
      const before = await rowCounts();
      expect(await migrate(test.url, MIGRATIONS)).toHaveLength(MIGRATIONS.length - count);
      expect(await rowCounts()).toMatchObject(before);
      expect(await bodies(filled)).toEqual(filled.includes('outbox') ? ['"appended"', '"published"'] : ['"appended"']);
      expect(await currentSchema()).toBe(await readFile(SCHEMA, 'utf8'));
    },
  );
});

/** @returns the tables of {@link ROWS} that there are */
async function fill(): Promise<string[]> {
  const filled: string[] = [];
  for (const [table, insert] of ROWS) {
    const [found] = await test.query(`select from pg_class where oid = to_regclass($1)`, [`trunkline.${table}`]);
    if (found === undefined) continue;
    await test.query(insert);
    filled.push(table);
  }
  return filled;
}

/** Counts the rows of each table, partitions one by one, without TypeORM's list of what was applied. */
async function rowCounts(): Promise<Record<string, number>> {
  const tables = await test.query<{ name: string }>(`
    select relname as name from pg_class
     where relnamespace = 'trunkline'::regnamespace and relkind = 'r' and relname <> 'migrations'`);
  const counts = tables.map(({ name }) => `(select count(*)::integer from trunkline.${name}) as ${name}`);
  const [row = {}] = await test.query<Record<string, number>>(`select ${counts.join(', ')}`);
  return row;
}

/** Lets what waits go on its way, and reads what has arrived. */
async function bodies(filled: readonly string[]): Promise<string[]> {
  if (filled.includes('outbox')) await test.query(`select trunkline.drain_outbox(10, interval '1 day', 0, 0, 0)`);
  const rows = await test.query<{ body: string }>('select body from trunkline.messages order by seq');
  return rows.map(({ body }) => body);
}

async function currentSchema(): Promise<string> {
  const client = await connectPlainly({ connectionString: test.url });
  try {
    return await describeSchema(client);
  } finally {
    await client.end();
  }
}
