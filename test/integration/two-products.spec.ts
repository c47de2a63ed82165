import { DataSource } from 'typeorm';
import { TransactionalPublisher } from '../../libs/trunkline/src/embed/transaction.js';
import { viewsIn } from '../../libs/trunkline/src/views/index.js';
import { Cluster } from '../support/cluster.js';
import { runCli } from '../support/run-cli.js';
import { API_KEY, JWT_SECRET, Server } from '../support/server.js';
import { createEmptyDatabase, type TestDatabase } from '../support/test-database.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

// Two products in one database, each with two instances that bear the same ids. A poll would come only after a minute, so
// messages that arrive were told of by the product's own hints.
const POLL_MS = '60000';
const ADMIN_KEY = 'an-admin-key-for-two-products';
const SCHEMAS = ['trunkline', 'billing_chat'] as const;
const GRANTS = ['publish:*', 'subscribe:*', 'join:*', 'presence:*'];

interface Product {
  readonly schema: string;
  readonly cluster: Cluster;
  readonly here: Server;
  readonly there: Server;
}

let database: TestDatabase;
let [chat, billing]: Product[] = [];
let products: readonly Product[] = [];

beforeAll(async () => {
  database = await createEmptyDatabase();
  products = await Promise.all(SCHEMAS.map(startProduct));
  [chat, billing] = products;
});
afterEach(() => products.forEach(({ cluster }) => cluster.closeClients()));
afterAll(async () => {
  await Promise.all(products.map(({ cluster }) => cluster.end()));
  await database.drop();
});

async function startProduct(schema: string): Promise<Product> {
  const ADMIN_API_KEYS = `tests:${ADMIN_KEY}:read+operate+purge`;
  const cluster = new Cluster(database.url, { DATABASE_SCHEMA: schema, POLL_MS, ADMIN_API_KEYS });
  const start = (INSTANCE_ID: string): Promise<Server> => cluster.start({ INSTANCE_ID });
  const [here, there] = await Promise.all([start('one'), start('two')]);
  return { schema, cluster, here, there };
}

function connect({ cluster, there }: Product, user: string, server = there): Promise<TestClient> {
  return cluster.connect(server, { user, deviceId: 'phone', grants: GRANTS });
}

/** Counts the rows that a product has in each table but those that the instances themselves write all the time. */
async function rowsOf({ schema }: Product): Promise<Record<string, number>> {
  const tables = await database.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
        and not c.relispartition and c.relname not in ('job_runs', 'service_hours', 'limit_shares') order by 1`,
    [schema],
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await database.query<{ rows: number }>(`select count(*)::int as rows from ${schema}.${name}`);
    counts[name] = row?.rows ?? 0;
  }
  return counts;
}

/** Does what a product does in a day, and returns what its user got. */
async function useProduct(product: Product): Promise<unknown[]> {
  const { schema, here } = product;
  const [ann, bob] = [await connect(product, 'ann'), await connect(product, 'bob', here)];
  await ann.must('join', { channel: 'group:staff' });
  await bob.must('publish', { channel: 'user:ann', type: 't', data: `${schema} by socket`, publishId: 'p-1' });
  await until('it came', () => ann.bodies('user:ann').length === 1);
  await database.query(`select ${schema}.publish('user:ann', 't', $1)`, [JSON.stringify(`${schema} by SQL`)]);
  await until('the one from SQL came', () => ann.bodies('user:ann').length === 2, 15_000);
  await here.rest('POST', '/v1/messages', { channel: 'group:staff', type: 't', data: `${schema} by REST` });
  await until('the one to the group came', () => ann.bodies('group:staff').length === 1);
  return ann.received.map(({ data }) => data);
}

/** Closes the clients of a product, and resolves when all that they left behind is written. */
async function leave({ schema, cluster }: Product): Promise<void> {
  await until('all is acknowledged', async () => {
    const behind = await database.query(
      `select from ${schema}.cursors c join ${schema}.channels using (channel) where delivered_seq < last_seq`,
    );
    return behind.length === 0;
  });
  cluster.closeClients();
  await until('all are gone', async () => (await database.query(`select from ${schema}.connections`)).length === 0);
}

it('each has its own users, channels, numbers and presence, whatever the other does', async () => {
  if (!chat || !billing) throw new Error('two products run');
  for (const [product, other] of [
    [chat, billing],
    [billing, chat],
  ] as const) {
    const before = await rowsOf(other);
    const { schema } = product;
    expect(await useProduct(product)).toEqual([`${schema} by socket`, `${schema} by SQL`, `${schema} by REST`]);
    expect(await rowsOf(other)).toEqual(before);
    await leave(product);
  }
});

it('presence and the end of a session stay within one product', async () => {
  if (!chat || !billing) throw new Error('two products run');
  const watcher = await connect(billing, 'eve', billing.here);
  expect((await watcher.must('watch', { channel: 'user:zoe' })).online).toEqual([]);
  const [inChat, inBilling] = [await connect(chat, 'zoe'), await connect(billing, 'zoe')];
  await until('eve sees zoe', () => watcher.presences.includes('zoe on'));
  await chat.here.rest('DELETE', '/v1/users/zoe/sessions');
  await until('zoe is out of one', () => inChat.disconnectReason);
  await inBilling.must('publish', { channel: 'user:zoe', type: 't', data: 'still here' });
  await until('zoe hears the other', () => inBilling.bodies('user:zoe').length === 1);
  expect([inBilling.disconnectReason, watcher.presences]).toEqual([undefined, ['zoe on']]);
  await Promise.all([leave(chat), leave(billing)]);
});

it('jobs, erasure and the command line work in one schema', async () => {
  if (!chat || !billing) throw new Error('two products run');
  const env = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'billing_chat', JWT_SECRET, API_KEYS: `tests:${API_KEY}` };
  const before = await rowsOf(chat);
  const run = await runCli(['cleanup', '--job', 'partitions'], env);
  expect([run.stderr, run.code]).toEqual(['', 0]);
  expect((await runCli(['after-restore'], env)).code).toBe(0);
  const erased = await billing.here.rest('DELETE', '/admin/v1/users/ann', undefined, ADMIN_KEY);
  expect(erased).toMatchObject({ status: 200, body: { isDone: true } });
  expect(await database.query(`select from billing_chat.messages where channel = 'user:ann'`)).toEqual([]);
  expect(await database.query(`select from trunkline.messages where channel = 'user:ann'`)).toHaveLength(2);
  expect(await rowsOf(chat)).toEqual(before);
});

it('an application publishes and reads in the schema of its product', async () => {
  const { Undelivered } = viewsIn('billing_chat');
  const source = new DataSource({ type: 'postgres', url: database.url, entities: [Undelivered] });
  await source.initialize();
  try {
    const message = { channel: 'user:nobody', type: 't', data: 1 };
    await source.transaction((manager) => new TransactionalPublisher(manager, 'billing_chat').publish(message));
    await until('it waits', () => source.manager.existsBy(Undelivered, { channel: 'user:nobody' }));
  } finally {
    await source.destroy();
  }
  const inChat = await database.query(`select from trunkline.undelivered where channel = 'user:nobody'`);
  expect(inChat).toEqual([]);
});

it('one that is dropped leaves the other whole: nothing in it names the default schema', async () => {
  if (!chat || !billing) throw new Error('two products run');
  await chat.cluster.end();
  await database.query('drop schema trunkline cascade');
  expect(await useProduct({ ...billing, schema: 'billing_chat' })).toContain('billing_chat by SQL');
  const env = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'billing_chat', JWT_SECRET, API_KEYS: `tests:${API_KEY}` };
  expect(await runCli(['cleanup', '--job', 'expired-messages'], env)).toMatchObject({ stderr: '', code: 0 });
  expect(await database.query(`select from pg_namespace where nspname = 'trunkline'`)).toEqual([]);
});

it.each(['public', 'pg_chat', 'Billing', 'x'.repeat(18)])('a start with the schema %s is refused', async (schema) => {
  await expect(Server.start(database.url, { DATABASE_SCHEMA: schema })).rejects.toThrow('DATABASE_SCHEMA');
});
