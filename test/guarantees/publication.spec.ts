import { Retention } from '#message-persistence';
import { connectPlainly } from '../support/hostile-settings.js';
import { Cluster } from '../support/cluster.js';
import { draft, openLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let test: TestDatabase;
let cluster: Cluster;

beforeEach(async () => {
  test = await createTestDatabase();
  cluster = new Cluster(test.url);
});
afterEach(async () => {
  await cluster.end();
  await test.drop();
});

it('all goes on as before while every table is published for logical replication', async () => {
  await test.query('create publication everything for all tables');
  const server = await cluster.start();
  const ann = await cluster.connect(server, { user: 'ann' });
  const message = { channel: 'user:ann', type: 't', data: 1, publishId: 'once' };

  const first = await server.rest('POST', '/v1/messages', message);
  const { id } = first.body as { id: string };
  expect(await server.rest('POST', '/v1/messages', message)).toMatchObject({
    status: 200,
    body: { id },
  });
  const sql = (publishId: string) =>
    test.query(`select trunkline.publish('user:ann', 't', '2', jsonb_build_object('publishId', $1::text))`, [
      publishId,
    ]);
  for (const publishId of ['a', 'a', 'b']) await sql(publishId);
  await until('the outbox is empty', async () => (await test.query('select from trunkline.outbox')).length === 0);
  await sql('a');
  await sql('c');
  await until('all came', () => ann.received.length === 4);
  expect(ann.received.map(({ data }) => data)).toEqual([1, 2, 2, 2]);

  const cancelled = await server.rest('DELETE', `/v1/messages/${id}`);
  expect(cancelled.status).toBe(200);
  await ann.must('join', { channel: 'group:g' });
  await ann.must('leave', { channel: 'group:g' });
  await until(
    'acknowledged',
    async () =>
      (await test.query(`select from trunkline.cursors where user_id = 'ann' and delivered_seq = 4`)).length === 1,
  );
});

it('a day is made, its messages moved into it, and dropped in the end', async () => {
  await test.query('create publication everything for all tables');
  const { log, database } = openLog(test.url);
  try {
    await log.append(draft('user:ann', { publishId: 'once' })); // no partition is there yet
    const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
    expect(await retention.makePartitions()).toEqual({ made: 15, kept: [], failed: [] });
    expect(await log.append(draft('user:ann', { publishId: 'once' }))).toMatchObject({ seq: 1, isRepeated: true });
    await test.query(`update trunkline.messages set expires_at = now() - interval '1 hour'`);
    expect(await retention.clearEnded()).toBe(1);
    await test.query(`select trunkline.make_partition('messages', (now() - interval '9 days')::date)`);
    expect((await retention.dropPartitions('messages')).dropped).toHaveLength(1);
  } finally {
    await database.close();
  }
});

it('an instance starts beside a dump, though no day can be made', async () => {
  const dump = await connectPlainly({ connectionString: test.url });
  try {
    await dump.query('begin; select from trunkline.messages, trunkline.publish_ids, trunkline.attempts');
    const server = await cluster.start();
    const ann = await cluster.connect(server, { user: 'ann' });
    const message = { channel: 'user:ann', type: 't', data: 1 };
    expect(await server.rest('POST', '/v1/messages', message)).toMatchObject({ status: 200 });
    await until('it came', () => ann.received.length === 1);
    expect(await test.query('select from trunkline.messages_default')).toHaveLength(1);
  } finally {
    await dump.end();
  }
});
