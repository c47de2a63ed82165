import type { Client } from 'pg';
import { connectPlainly } from '../support/hostile-settings.js';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { numbers } from './publish.js';

const SOON_MS = 2_000;

let database: TestDatabase;
let elsewhere: TestDatabase;
let cluster: Cluster;
let here: Server;
let there: Server;
let neighbour: Client;

beforeAll(async () => {
  [database, elsewhere] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  cluster = new Cluster(database.url);
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
  neighbour = await connectPlainly({ connectionString: elsewhere.url });
});
afterAll(async () => {
  await cluster.end();
  await neighbour.end();
  await Promise.all([database.drop(), elsewhere.drop()]);
});

async function publishThroughBoth(reader: TestClient, author: TestClient): Promise<void> {
  for (const data of numbers(1, 20)) {
    const before = reader.received.length;
    await author.must('publish', { channel: 'user:ann', type: 't', data });
    await database.query(`select trunkline.publish('user:ann', 't', '"sql"')`);
    await until('both came', () => reader.received.length === before + 2, SOON_MS);
  }
}

it('a writer that holds a transaction open in another database of the server has no effect', async () => {
  const ann = await cluster.connect(there, { user: 'ann' });
  const bob = await cluster.connect(here, { user: 'bob' });
  await neighbour.query('begin isolation level repeatable read');
  await neighbour.query(`insert into trunkline.outbox (due_at, message_id, channel, publisher, type, body)
                         values ('-infinity', gen_random_uuid(), 'user:ann', 'sql:x', 't', '1')`);
  await neighbour.query('lock table trunkline.outbox, trunkline.channels, trunkline.messages in access exclusive mode');
  // The advisory locks of an outbox relay and of the jobs, which belong to one database each.
  await neighbour.query('select pg_advisory_xact_lock(7258, 1), pg_advisory_xact_lock(7257, 1)');
  await publishThroughBoth(ann, bob);
  await neighbour.query('rollback');
  expect(ann.raw.map(({ seq }) => seq)).toEqual(numbers(1, 40));
});

it('a writer that holds a transaction open in the same database has none either, but for its own locks', async () => {
  const eve = await cluster.connect(there, { user: 'ann', deviceId: 'other' });
  const bob = await cluster.connect(here, { user: 'bob' });
  const application = await connectPlainly({ connectionString: database.url });
  try {
    await application.query('begin isolation level repeatable read');
    await application.query(`select trunkline.publish('user:zoe', 't', '1')`);
    await publishThroughBoth(eve, bob);
  } finally {
    await application.end();
  }
});
