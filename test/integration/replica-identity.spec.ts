import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** Tables of which PostgreSQL refuses UPDATE and DELETE once they are published for logical replication. */
const WITHOUT_IDENTITY = `
  select c.relname as name from pg_class c
   where c.relnamespace = 'trunkline'::regnamespace and c.relkind = 'r'
     and case c.relreplident
           when 'f' then false
           when 'd' then not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indisvalid)
           when 'i' then not exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident and i.indisvalid)
           else true
         end
   order by 1`;

const PARTITIONED = `select relname as name from pg_class where relnamespace = 'trunkline'::regnamespace and relkind = 'p'`;

let test: TestDatabase;

beforeEach(async () => (test = await createTestDatabase()));
afterEach(() => test.drop());

it('every table has a replica identity, and every partition that is made later', async () => {
  expect(await test.query(WITHOUT_IDENTITY)).toEqual([]);
  const parents = await test.query<{ name: string }>(PARTITIONED);
  expect(parents.length).toBeGreaterThanOrEqual(3);
  for (const { name } of parents)
    await test.query(`select trunkline.make_partition($1, current_date + day) from generate_series(0, 2) as day`, [
      name,
    ]);
  expect(await test.query(WITHOUT_IDENTITY)).toEqual([]);
});

it('messages are read by their key, in its order', async () => {
  await test.query(`select trunkline.make_partition('messages', current_date)`);
  await test.query(`
    insert into trunkline.messages (channel, seq, id, type, body, created_at)
    select 'user:' || n % 100, n / 100, gen_random_uuid(), 't', '1', now() from generate_series(1, 20000) as n`);
  await test.query('analyze trunkline.messages');
  const plan = await test.query(`
    explain select * from trunkline.messages
     where channel = 'user:7' and seq > 100 and created_at >= now() - interval '1 hour' order by seq limit 10`);
  expect(plan.map((row) => String(Object.values(row)[0])).join('\n')).toMatch(
    /Index Scan using messages_\d+_\d+_\d+_pkey/,
  );
});
