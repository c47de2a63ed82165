import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { statusOf } from './publish.js';

interface Receipt {
  readonly state: 'delivered' | 'read';
  readonly id: string;
  readonly channel: string;
  readonly seq: number;
  readonly user: string;
  readonly deviceId: string;
}

const BOTH: ('delivered' | 'read')[] = ['delivered', 'read'];

let database: TestDatabase;
let cluster: Cluster;
let here: Server;
let there: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

function receiptsOf(sender: TestClient): Receipt[] {
  return sender.received.filter(({ type }) => type === 'trunkline.receipt').map(({ data }) => data as never as Receipt);
}

const inShort = (receipts: readonly Receipt[]): string[] =>
  receipts.map(({ state, seq, user, deviceId }) => `${state} ${seq} ${user} ${deviceId}`).toSorted();

/** What was sent to this inbox has come once this has. */
async function allAre(sender: TestClient): Promise<void> {
  const channel = `user:${sender.ready?.user}`;
  // Through the outbox like receipts, and after them.
  await database.query(`select trunkline.publish($1, 'mark', '1')`, [channel]);
  await until('the mark came', () => sender.received.some(({ type }) => type === 'mark'));
}

it('come for each device that acknowledged, and for each that read', async () => {
  const ann = await cluster.connect(here, { user: 'ann' });
  const phone = await cluster.connect(there, { user: 'bob', deviceId: 'phone' });
  await cluster.connect(here, { user: 'bob', deviceId: 'tablet' });
  const { id, seq } = await ann.must('publish', { channel: 'user:bob', type: 't', data: 1, receipts: BOTH });
  await until('both receipts came', () => receiptsOf(ann).length === 2);
  await phone.must('read', { 'user:bob': seq });
  await until('the third came', () => receiptsOf(ann).length === 3);
  expect(inShort(receiptsOf(ann))).toEqual(['delivered 1 bob phone', 'delivered 1 bob tablet', 'read 1 bob phone']);
  for (const receipt of receiptsOf(ann)) expect(receipt).toMatchObject({ id, channel: 'user:bob' });
});

it('come only if asked for, each kind by itself, and not for the own devices', async () => {
  const ann = await cluster.connect(here, { user: 'amy' });
  const ben = await cluster.connect(there, { user: 'ben', deviceId: 'phone' });
  for (const client of [ann, ben]) await client.must('join', { channel: 'group:ask' });
  for (const receipts of [undefined, ['delivered'], ['read']] as ('delivered' | 'read')[][]) {
    await ann.must('publish', { channel: 'group:ask', type: 't', data: 1, ...(receipts ? { receipts } : {}) });
  }
  await until('ben has all', () => ben.bodies('group:ask').length === 3);
  await ben.must('read', { 'group:ask': 3 });
  await until('ann has all', () => ann.bodies('group:ask').length === 3);
  await ann.must('read', { 'group:ask': 3 });
  await allAre(ann);
  expect(inShort(receiptsOf(ann))).toEqual(['delivered 2 ben phone', 'read 3 ben phone']);
});

it('do not come for what was sent but not acknowledged, whether it timed out or the connection broke', async () => {
  const ann = await cluster.connect(here, { user: 'ari' });
  const impatient = await cluster.start({ ACK_TIMEOUT_MS: '200' });
  const ivy = await cluster.connect(impatient, { user: 'ivy', deviceId: 'phone', acknowledges: false });
  await ann.must('publish', { channel: 'user:ivy', type: 't', data: 1, receipts: BOTH });
  await until('it was repeated', () => ivy.raw.length > 1);
  ivy.close();
  await until('the attempts are written down', async () => {
    const rows = await database.query(
      `select 1 from trunkline.attempts where channel = 'user:ivy' and outcome = 'disconnected'`,
    );
    return rows.length === 1;
  });
  await allAre(ann);
  expect(receiptsOf(ann)).toEqual([]);
});

it('wait for a sender that is offline meanwhile', async () => {
  const before = await cluster.connect(here, { user: 'cid', deviceId: 'phone' });
  await before.must('publish', { channel: 'user:dee', type: 't', data: 1, receipts: BOTH });
  before.close();
  const dee = await cluster.connect(there, { user: 'dee', deviceId: 'phone' });
  await until('dee has it', () => dee.received.length === 1);
  await dee.must('read', { 'user:dee': 1 });
  const after = await cluster.connect(there, { user: 'cid', deviceId: 'phone' });
  await until('both came', () => receiptsOf(after).length === 2);
  expect(inShort(receiptsOf(after))).toEqual(['delivered 1 dee phone', 'read 1 dee phone']);
});

it('never tell of a message that the device did not get, though it read on behind it', async () => {
  const eve = await cluster.connect(here, { user: 'eve' });
  const before = await cluster.connect(there, { user: 'fay', deviceId: 'phone' });
  before.close();
  const to = { channel: 'user:fay', type: 't', data: 1, receipts: BOTH };
  const expired = await eve.must('publish', { ...to, ttlMs: 1 });
  const cancelled = await eve.must('publish', to);
  await eve.must('cancel', { id: cancelled.id });
  await eve.must('publish', { ...to, collapseKey: 'k' });
  await eve.must('publish', { ...to, collapseKey: 'k' });
  await until('expired', async () => (await statusOf(here, expired.id)).isExpired);

  const fay = await cluster.connect(there, { user: 'fay', deviceId: 'phone' });
  await until('the last came', () => fay.received.length === 1);
  await fay.must('read', { 'user:fay': 4 });
  await allAre(eve);
  expect(inShort(receiptsOf(eve))).toEqual(['delivered 4 fay phone', 'read 4 fay phone']);
});

it.each([
  ['confirmed', true],
  ['on its way', false],
])(
  'come once when the instance is killed with the acknowledgement %s and the client resumes',
  async (_, isConfirmed) => {
    const user = isConfirmed ? 'gus' : 'hal';
    const channel = `user:${user}`;
    const doomed = await cluster.start();
    const sender = await cluster.connect(here, { user: `to-${user}` });
    const last = new Map<string, number>();
    const options = { user, deviceId: 'phone', acknowledges: false };
    const before = await cluster.connect(doomed, options, last);
    for (const data of [1, 2, 3]) await sender.must('publish', { channel, type: 't', data, receipts: BOTH });
    await until('all came', () => before.received.length === 3);
    if (isConfirmed) await before.must('ack', { [channel]: 3 });
    else before.socket.emit('ack', { [channel]: 3 });
    await doomed.end('SIGKILL');

    const resume = Object.fromEntries(last);
    const after = await cluster.connect(there, { ...options, acknowledges: true, resume }, last);
    await sender.must('publish', { channel, type: 't', data: 4, receipts: BOTH });
    await until('it goes on', () => after.received.length === 1);
    await after.must('read', { [channel]: 4 });
    await until('all receipts came', () => receiptsOf(sender).length >= 8);
    await allAre(sender);
    const seqs = [1, 2, 3, 4];
    expect(inShort(receiptsOf(sender))).toEqual([
      ...seqs.map((seq) => `delivered ${seq} ${user} phone`),
      ...seqs.map((seq) => `read ${seq} ${user} phone`),
    ]);
  },
);
