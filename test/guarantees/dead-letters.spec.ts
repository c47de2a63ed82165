import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { StatusLedger } from './status-ledger.js';
import { publish } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ledger: StatusLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { MAX_TOTAL_ATTEMPTS: '2', ACK_TIMEOUT_MS: '200' });
  server = await cluster.start();
  ledger = new StatusLedger(server, database);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

interface DeadLetter {
  readonly messageId: string;
  readonly user: string;
}

async function deadOf(user: string): Promise<DeadLetter[]> {
  const { body } = (await server.rest('GET', '/v1/dead-letters')) as { body: { deadLetters: DeadLetter[] } };
  return body.deadLetters.filter((letter) => letter.user === user);
}

it('a message that is never acknowledged dies for that device; later ones still arrive', async () => {
  const stuck = await cluster.connect(server, { user: 'ann', deviceId: 'phone', acknowledges: false });
  const healthy = await cluster.connect(server, { user: 'ann', deviceId: 'tablet' });
  const { id } = await publish(server, { channel: 'user:ann', data: 'poison' });
  const [gap] = await until('it is given up', () => stuck.gaps.length > 0 && stuck.gaps);
  expect(gap).toMatchObject({ channel: 'user:ann', fromSeq: 1, toSeq: 1, reason: 'dead' });
  expect(await ledger.of(id)).toEqual({ 'ann phone': 'dead', 'ann tablet': 'delivered' });
  expect(await ledger.reason(id, { device: 'phone' })).toMatch(/^given up after too many attempts; the last: no ack/);
  expect(await deadOf('ann')).toMatchObject([
    { messageId: id, channel: 'user:ann', seq: 1, user: 'ann', deviceId: 'phone', attempts: 2 },
  ]);

  stuck.acknowledges = true;
  const next = await publish(server, { channel: 'user:ann', data: 'food' });
  await ledger.until(next.id, 'ann phone', 'delivered');
  expect(stuck.raw.filter(({ seq }) => seq === 1)).toHaveLength(2);
  expect(healthy.bodies('user:ann')).toEqual(['poison', 'food']);
});

it('connections that break count as attempts too, on whichever of them', async () => {
  const { id } = await publish(server, { channel: 'user:ben', data: 'crash' });
  for (const turn of [1, 2]) {
    const phone = await cluster.connect(server, { user: 'ben', deviceId: 'phone', acknowledges: false });
    await until(`it came, turn ${turn}`, () => phone.raw.length > 0);
    phone.close();
  }
  await ledger.until(id, 'ben phone', 'dead');
  const phone = await cluster.connect(server, { user: 'ben', deviceId: 'phone' });
  await publish(server, { channel: 'user:ben', data: 'next' });
  await until('the next came', () => phone.received.length === 1);
  expect(phone.bodies('user:ben')).toEqual(['next']);
});

it('what was acknowledged in the end never dies, and its failures are not counted for what follows', async () => {
  const phone = await cluster.connect(server, { user: 'cid', deviceId: 'phone', acknowledges: false });
  for (const seq of [1, 2, 3]) {
    const { id } = await publish(server, { channel: 'user:cid', data: seq });
    await until('it came again', () => phone.raw.filter((message) => message.seq === seq).length === 2);
    await phone.must('ack', { 'user:cid': seq });
    expect(await ledger.of(id)).toEqual({ 'cid phone': 'delivered' });
  }
  expect(await deadOf('cid')).toEqual([]);
});

it('each message of a queue has its own attempts', async () => {
  const phone = await cluster.connect(server, { user: 'dee', deviceId: 'phone', acknowledges: false });
  for (const data of [1, 2]) await publish(server, { channel: 'user:dee', data });
  await until('both are given up', () => phone.gaps.length === 2, 15_000);
  expect(phone.gaps.map(({ fromSeq, reason }) => [fromSeq, reason])).toEqual([
    [1, 'dead'],
    [2, 'dead'],
  ]);
  expect(await deadOf('dee')).toHaveLength(2);
});

it('requeue puts one copy into the inbox of the user, once, and takes it off the list', async () => {
  const { id } = await publish(server, { channel: 'user:eve', data: { n: 1 }, metadata: { from: 'shop' } });
  const stuck = await cluster.connect(server, { user: 'eve', deviceId: 'phone', acknowledges: false });
  await ledger.until(id, 'eve phone', 'dead');
  stuck.close();
  const answers = await Promise.all([1, 2, 3].map(() => server.rest('POST', `/v1/dead-letters/${id}/requeue`)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404]);
  expect(answers.find(({ status }) => status === 200)?.body).toMatchObject({ ok: true, requeued: 1 });

  const phone = await cluster.connect(server, { user: 'eve', deviceId: 'phone' });
  await publish(server, { channel: 'user:eve', data: 'mark' });
  await until('both came', () => phone.received.length === 2);
  const copy = phone.received.find(({ data }) => data !== 'mark');
  expect(copy).toMatchObject({ data: { n: 1 }, metadata: { from: 'shop', requeuedFrom: id } });
  expect(await deadOf('eve')).toEqual([]);
  const missing = await server.rest('POST', `/v1/dead-letters/${copy?.id}/requeue`);
  expect(missing).toMatchObject({ status: 404, body: { error: { code: 1012 } } });
});
