import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { connectPlainly, makePlain } from '../support/hostile-settings.js';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers, publish, statusOf } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let application: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
  await database.query('create table orders (number int)');
});
beforeEach(async () => {
  application = await connectPlainly({ connectionString: database.url });
});
afterEach(async () => {
  cluster.closeClients();
  await application.end();
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

const PUBLISH = 'select trunkline.publish($1, $2, $3, $4) as id';

async function publishFrom(client: Client, channel: string, data: unknown, options = {}): Promise<string> {
  const { rows } = await client.query<{ id: string }>(PUBLISH, [channel, 't', JSON.stringify(data), options]);
  return rows[0]?.id ?? '';
}

it('a message leaves nothing behind when its transaction is rolled back, and is delivered when it is committed', async () => {
  const ann = await cluster.connect(server, { user: 'ann' });
  for (const [number, end] of [
    [1, 'rollback'],
    [2, 'commit'],
  ] as const) {
    await application.query('begin');
    await application.query('insert into orders values ($1)', [number]);
    await publishFrom(application, 'user:ann', { number });
    await application.query(end);
  }
  await until('it came', () => ann.received.length > 0);
  expect(ann.received).toMatchObject([{ seq: 1, sender: null, type: 't', data: { number: 2 } }]);
  expect(await database.query(`select data from (select body::jsonb as data from trunkline.messages) as m`)).toEqual([
    { data: { number: 2 } },
  ]);
  expect(await database.query('select 1 from trunkline.outbox')).toEqual([]);
});

it('answers the id under which the message can be followed', async () => {
  await cluster.connect(server, { user: 'ben' });
  const id = await publishFrom(application, 'user:ben', 1, { metadata: { shop: 'north' }, ttlMs: 60_000 });
  const found = await until('it is delivered', async () => {
    const answer = await statusOf(server, id);
    return answer.ok && answer.recipients[0]?.status === 'delivered' && answer;
  });
  expect(found).toMatchObject({ message: { id, channel: 'user:ben', metadata: { shop: 'north' } } });
});

it('a transaction that stays open delays no other message, to the same channel or another', async () => {
  const cid = await cluster.connect(server, { user: 'cid' });
  await application.query('begin');
  await publishFrom(application, 'user:cid', 'held');
  const fromOthers = ['sql', 'rest', 'socket'];
  await database.query(PUBLISH, ['user:cid', 't', '"sql"', {}]);
  await publish(server, { channel: 'user:cid', data: 'rest' });
  await cid.must('publish', { channel: 'user:cid', type: 't', data: 'socket' });
  await until('the others came', () => cid.received.length === 3, 2_000);
  expect(cid.bodies('user:cid').toSorted()).toEqual(fromOthers.toSorted());
  await application.query('commit');
  await until('the held one came', () => cid.received.length === 4, 2_000);
  expect(cid.bodies('user:cid').at(-1)).toBe('held');
});

it('the messages of a transaction come in their order, also more than are moved at once', async () => {
  const dee = await cluster.connect(server, { user: 'dee' });
  await application.query('begin');
  await application.query(
    `select trunkline.publish('user:dee', 't', to_jsonb(n)) from generate_series(1, 1200) as n order by n`,
  );
  await application.query('commit');
  await until('all came', () => dee.received.length === 1_200, 20_000);
  expect(dee.bodies('user:dee')).toEqual(numbers(1, 1_200));
});

it('works within a transaction of TypeORM', async () => {
  const eve = await cluster.connect(server, { user: 'eve' });
  const source = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const runner = source.createQueryRunner();
  try {
    await makePlain(runner);
    for (const end of ['rollbackTransaction', 'commitTransaction'] as const) {
      await runner.startTransaction();
      await runner.query('insert into orders values (7)');
      await runner.query(PUBLISH, ['user:eve', 't', JSON.stringify(end), {}]);
      await runner[end]();
    }
    await runner.manager.transaction((manager) => manager.query(PUBLISH, ['user:eve', 't', '"manager"', {}]));
  } finally {
    await runner.release();
    await source.destroy();
  }
  await until('both came', () => eve.received.length === 2);
  expect(eve.bodies('user:eve')).toEqual(['commitTransaction', '"manager"'].map((body) => body.replaceAll('"', '')));
});

describe('publishId', () => {
  it('stores one message, whether the first one waits, was published or is just being published', async () => {
    const fay = await cluster.connect(server, { user: 'fay' });
    const options = { publishId: 'invoice-7' };
    await application.query('begin');
    const first = await publishFrom(application, 'user:fay', 1, options);
    expect(await publishFrom(application, 'user:fay', 1, options)).toBe(first);
    const waiting = database.query<{ id: string }>(PUBLISH, ['user:fay', 't', '1', options]);
    await application.query('commit');
    expect((await waiting)[0]?.id).toBe(first);
    await until('it came', () => fay.received.length === 1);
    expect(await publishFrom(application, 'user:fay', 1, options)).toBe(first);
    await publishFrom(application, 'user:fay', 'mark');
    await until('the mark came', () => fay.received.length === 2);
    expect(fay.bodies('user:fay')).toEqual([1, 'mark']);
  });

  it('refuses another body, whether the first one waits, was published or is just being published', async () => {
    const options = { publishId: 'invoice-8' };
    await application.query('begin');
    await publishFrom(application, 'user:gus', 1, options);
    const during = expect(database.query(PUBLISH, ['user:gus', 't', '2', options])).rejects.toThrow('trunkline 1013');
    await until('the other one waits for this', async () => {
      const waiting = await database.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.length === 1;
    });
    await application.query('commit');
    await during;
    await until('it is published', async () => (await database.query('select 1 from trunkline.outbox')).length === 0);
    await expect(publishFrom(application, 'user:gus', 2, options)).rejects.toThrow('trunkline 1013');
  });

  it('belongs to whoever publishes: another role, a user or a key of the same id has its own', async () => {
    const hal = await cluster.connect(server, { user: 'hal' });
    const request = { channel: 'user:hal', type: 't', data: 1, publishId: 'shared' };
    await publishFrom(application, 'user:hal', 1, { publishId: 'shared' });
    await publish(server, request);
    await hal.must('publish', request);
    await until('three came', () => hal.received.length === 3);
  });
});
