import type { Client } from 'pg';
import { randomBytes } from 'node:crypto';
import { connectPlainly } from '../support/hostile-settings.js';
import { Cluster } from '../support/cluster.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const PUBLISH = `select trunkline.publish('user:ann', 't', to_jsonb($1::text))`;
/** Roles belong to the whole server, where other tests run. */
const role = `publisher_${randomBytes(4).toString('hex')}`;
const PASSWORD = 'only-for-this-test';

let database: TestDatabase;
let cluster: Cluster;
let ann: TestClient;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`create role ${role} login password '${PASSWORD}'`);
  await database.query(`grant usage on schema trunkline to ${role}`);
  await database.query(`grant execute on function trunkline.publish(text, text, jsonb, jsonb) to ${role}`);
  cluster = new Cluster(database.url);
  ann = await cluster.connect(await cluster.start(), { user: 'ann' });
});
afterAll(async () => {
  await cluster.end();
  await database.query(`drop owned by ${role}`);
  await database.query(`drop role ${role}`);
  await database.drop();
});

async function as<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectPlainly({ connectionString: url });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOfRole(): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = PASSWORD;
  return url.href;
}

it('a role with usage on the schema and execute on the function publishes', async () => {
  await as(urlOfRole(), (client) => client.query(PUBLISH, ['by the role']));
  await until('it came', () => ann.bodies('user:ann').includes('by the role'));
});

it('it can neither read nor write anything else', async () => {
  const relations = await database.query<{ name: string }>(
    `select format('trunkline.%I', relname) as name from pg_class
      where relnamespace = 'trunkline'::regnamespace and relkind in ('r', 'p', 'v')`,
  );
  expect(relations.length).toBeGreaterThan(15);
  await as(urlOfRole(), async (client) => {
    for (const { name } of relations) {
      await expect(client.query(`select * from ${name}`)).rejects.toThrow('permission denied');
      await expect(client.query(`delete from ${name}`)).rejects.toThrow(/permission denied|cannot delete/);
    }
    await expect(client.query('create table trunkline.mine ()')).rejects.toThrow('permission denied');
  });
});

it('no other function of the schema does anything for it', async () => {
  const changing = [
    `trunkline.drain_outbox(1, interval '1 day', 0, 0, 0)`,
    `trunkline.append(array['user:ann'], array[gen_random_uuid()], array['x'], array['boss'], array['t'], array['1'],
                      array[null], array[null], array[null::bigint], array[null], interval '1 day')`,
    `trunkline.fail_attempts(array['a'], array['d'], array['user:a'], array[1::bigint], array[''], 1)`,
    `trunkline.make_partition('messages', '2020-01-01')`,
    `trunkline.drop_partition('messages', 'messages_2020_01_02')`,
    `trunkline.has_undelivered('messages_2020_01_02')`,
  ];
  await database.query(`select trunkline.make_partition('messages', '2020-01-02')`);
  await as(urlOfRole(), async (client) => {
    for (const call of changing)
      await expect(client.query(`select * from ${call}`)).rejects.toThrow(/permission denied|must be owner/);
  });
});

it('nobody else may publish, with usage on the schema alone', async () => {
  await database.query(`revoke execute on function trunkline.publish(text, text, jsonb, jsonb) from ${role}`);
  try {
    await expect(as(urlOfRole(), (client) => client.query(PUBLISH, ['no']))).rejects.toThrow('permission denied');
  } finally {
    await database.query(`grant execute on function trunkline.publish(text, text, jsonb, jsonb) to ${role}`);
  }
});

it('publishes under set role too, and whatever the search path and the schemas of the caller', async () => {
  await as(database.url, async (client) => {
    await client.query(`set role ${role}`);
    await client.query(PUBLISH, ['under set role']);
    await client.query('reset role');
    await client.query('create schema trap');
    await client.query('create function trap.length(text) returns int language sql as $$ select 1 / 0 $$');
    await client.query('set search_path = trap, pg_catalog');
    await client.query(PUBLISH, ['over a trap']);
  });
  await until('both came', () => ann.bodies('user:ann').includes('over a trap'));
  expect(ann.bodies('user:ann')).toEqual(['by the role', 'under set role', 'over a trap']);
});

it('runs no code of the caller with the rights of the owner, whatever temporary types it makes', async () => {
  await database.query(`grant execute on function trunkline.publish(text, text, text, jsonb) to ${role}`);
  await as(urlOfRole(), async (client) => {
    await client.query(`create temp table ran (by name)`);
    await client.query(`grant insert on ran to public`);
    for (const type of ['timestamptz', 'text', 'uuid', 'jsonb', 'json']) {
      await client.query(`create function pg_temp.spy(pg_catalog.${type}) returns pg_catalog.bool language plpgsql as
                          $$ begin insert into pg_temp.ran values (current_user); return true; end $$`);
      await client.query(`create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.spy(value))`);
    }
    const sendAt = { sendAt: new Date(Date.now() + 3_600_000).toISOString(), ttlMs: 1_000 };
    await client.query(`select trunkline.publish('user:zoe', 't', '1'::pg_catalog.text, $1::pg_catalog.jsonb)`, [
      sendAt,
    ]);
    await client.query(`select trunkline.publish('user:zoe', 't', '1'::pg_catalog.jsonb, '{}'::pg_catalog.jsonb)`);
    expect((await client.query('select * from pg_temp.ran')).rows).toEqual([]);
  });
});

it('every function with the rights of its owner looks for names in pg_temp last', async () => {
  const others = await database.query(
    `select oid::regprocedure::text as name from pg_proc
      where pronamespace = 'trunkline'::regnamespace
        and (prosecdef and proconfig is null or 'search_path=pg_catalog, pg_temp' <> all (proconfig))`,
  );
  expect(others).toEqual([]);
});
