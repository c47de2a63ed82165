import type { Receipt } from '#protocol';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';
import { statusOf } from './publish.js';

const BOTH: ('delivered' | 'read')[] = ['delivered', 'read'];

const { database, cluster, here, there } = await twoInstances();

function receiptsOf(sender: TestClient): Receipt[] {
  return sender.received.filter(({ type }) => type === 'trunkline.receipt').map(({ data }) => data as never as Receipt);
}

const inShort = (receipts: readonly Receipt[]): string[] =>
  receipts.map(({ state, seq, user }) => `${state} ${seq} ${user}`).toSorted();

/** How far each reader has come, for each state; each receipt has to tell something new. */
function progressOf(receipts: readonly Receipt[]): Record<string, number> {
  const reached: Record<string, number> = {};
  for (const { state, channel, user, seq } of receipts) {
    const key = `${state} ${channel} ${user}`;
    expect(seq).toBeGreaterThan(reached[key] ?? 0);
    reached[key] = seq;
  }
  return reached;
}

/** Waits until so many devices of readers stand at this seq, as it is stored. */
async function stand(channel: string, seq: number, devices: number): Promise<void> {
  await until(`${devices} devices stand at ${channel}#${seq}`, async () => {
    const [row] = await database.query<{ standing: number }>(
      'select count(*)::int as standing from trunkline.cursors where channel = $1 and delivered_seq >= $2',
      [channel, seq],
    );
    return (row?.standing ?? 0) >= devices;
  });
}

/** What was sent to this inbox has come once this has. */
async function allAre(sender: TestClient, times = 1): Promise<void> {
  const channel = `user:${sender.ready?.user}`;
  // Through the outbox like receipts, and after them.
  await database.query(`select trunkline.publish($1, 'mark', '1')`, [channel]);
  await until('the mark came', () => sender.received.filter(({ type }) => type === 'mark').length === times);
}

it('come once for a reader, whichever of its devices acknowledges or reads first', async () => {
  const ann = await cluster.connect(here, { user: 'ann' });
  const phone = await cluster.connect(there, { user: 'bob', deviceId: 'phone' });
  const tablet = await cluster.connect(here, { user: 'bob', deviceId: 'tablet' });
  const { seq } = await ann.must('publish', { channel: 'user:bob', type: 't', data: 1, receipts: BOTH });
  await stand('user:bob', seq, 2);
  await phone.must('read', { 'user:bob': seq });
  await tablet.must('read', { 'user:bob': seq });
  await allAre(ann);
  expect(inShort(receiptsOf(ann))).toEqual(['delivered 1 bob', 'read 1 bob']);
  for (const { channel, at } of receiptsOf(ann)) {
    expect(channel).toBe('user:bob');
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
  }
});

it('are cumulative: what is acknowledged together makes one', async () => {
  const ann = await cluster.connect(here, { user: 'abe' });
  const bob = await cluster.connect(there, { user: 'bea', deviceId: 'phone', acknowledges: false });
  const channel = 'group:cumulative';
  for (const client of [ann, bob]) await client.must('join', { channel });
  for (let data = 1; data <= 9; data++) await ann.must('publish', { channel, type: 't', data, receipts: BOTH });
  await until('all came', () => bob.bodies(channel).length === 9);
  await bob.must('ack', { [channel]: 4 });
  await bob.must('ack', { [channel]: 9 });
  await bob.must('read', { [channel]: 9 });
  await allAre(ann);
  const receipts = receiptsOf(ann);
  expect(receipts.length).toBeLessThanOrEqual(3);
  expect(progressOf(receipts)).toEqual({ [`delivered ${channel} bea`]: 9, [`read ${channel} bea`]: 9 });
});

it('tell each author of its own messages in a channel', async () => {
  const [ann, ada] = [await cluster.connect(here, { user: 'ann2' }), await cluster.connect(there, { user: 'ada2' })];
  const bob = await cluster.connect(there, { user: 'bob2', deviceId: 'phone', acknowledges: false });
  const channel = 'group:authors';
  for (const client of [ann, ada, bob]) await client.must('join', { channel });
  for (const author of [ann, ada, ann]) await author.must('publish', { channel, type: 't', data: 1, receipts: BOTH });
  await until('all came', () => bob.bodies(channel).length === 3);
  await bob.must('ack', { [channel]: 3 });
  for (const author of [ann, ada]) await allAre(author);
  const ofBob = (author: TestClient) => inShort(receiptsOf(author).filter(({ user }) => user === 'bob2'));
  expect(ofBob(ann)).toEqual(['delivered 3 bob2']);
  expect(ofBob(ada)).toEqual(['delivered 2 bob2']);
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
  expect(inShort(receiptsOf(ann))).toEqual(['delivered 2 ben', 'read 3 ben']);
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

it('wait for a sender that is offline meanwhile, and of each reader only the newest', async () => {
  const before = await cluster.connect(here, { user: 'cid', deviceId: 'phone' });
  const dee = await cluster.connect(there, { user: 'dee', deviceId: 'phone', acknowledges: false });
  const channel = 'group:away';
  for (const client of [before, dee]) await client.must('join', { channel });
  for (const data of [1, 2, 3]) await before.must('publish', { channel, type: 't', data, receipts: BOTH });
  before.close();
  await until('dee has all', () => dee.bodies(channel).length === 3);
  for (const seq of [1, 2, 3]) {
    await dee.must('ack', { [channel]: seq });
    await dee.must('read', { [channel]: seq });
    await until(
      'both are in the inbox',
      async () => (await database.query('select from trunkline.outbox')).length === 0,
    );
  }
  const after = await cluster.connect(there, { user: 'cid', deviceId: 'phone' });
  await until('both came', () => receiptsOf(after).length === 2);
  await allAre(after);
  expect(inShort(receiptsOf(after))).toEqual(['delivered 3 dee', 'read 3 dee']);
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
  expect(inShort(receiptsOf(eve))).toEqual(['delivered 4 fay', 'read 4 fay']);

  const last = await eve.must('publish', to);
  await until('it came', () => fay.received.length === 2);
  fay.close();
  const late = await eve.must('publish', { ...to, ttlMs: 1 });
  await until('the late one expired', async () => (await statusOf(here, late.id)).isExpired);
  const again = await cluster.connect(there, { user: 'fay', deviceId: 'phone' });
  await stand('user:fay', late.seq, 1);
  await again.must('read', { 'user:fay': late.seq });
  await allAre(eve, 2);
  expect(progressOf(receiptsOf(eve))).toEqual({ 'delivered user:fay fay': last.seq, 'read user:fay fay': last.seq });
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
    await until('the last receipts came', () => receiptsOf(sender).filter(({ seq }) => seq === 4).length === 2);
    await allAre(sender);
    const reached = progressOf(receiptsOf(sender));
    expect(reached).toEqual({ [`delivered ${channel} ${user}`]: 4, [`read ${channel} ${user}`]: 4 });
  },
);

it('go out though the instance is killed as soon as it has stored the acknowledgement', async () => {
  const sender = await cluster.connect(here, { user: 'to-ike' });
  const doomed = await cluster.start({ OUTBOX_POLL_MS: '60000' });
  const ike = await cluster.connect(doomed, { user: 'ike', deviceId: 'phone', acknowledges: false });
  await sender.must('publish', { channel: 'user:ike', type: 't', data: 1, receipts: BOTH });
  await until('it came', () => ike.received.length === 1);
  await ike.must('ack', { 'user:ike': 1 });
  await doomed.end('SIGKILL');
  await until('the receipt came', () => receiptsOf(sender).length === 1);
  expect(inShort(receiptsOf(sender))).toEqual(['delivered 1 ike']);
});

it('cost a row for each reader, and not for each message and device', async () => {
  const ann = await cluster.connect(here, { user: 'many' });
  const channel = 'group:many';
  await ann.must('join', { channel });
  const devices = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const who = { user: `reader-${n >> 1}`, deviceId: `d${n % 2}`, acknowledges: false };
      const device = await cluster.connect(n % 2 === 0 ? here : there, who);
      await device.must('join', { channel });
      return device;
    }),
  );
  const publishing = Array.from({ length: 50 }, (_, data) =>
    ann.must('publish', { channel, type: 't', data, receipts: BOTH }),
  );
  await Promise.all(publishing);
  await until('all have all', () => devices.every((device) => device.bodies(channel).length === 50));
  await Promise.all(devices.map((device) => device.must('ack', { [channel]: 50 })));
  await Promise.all(devices.map((device) => device.must('read', { [channel]: 50 })));
  await allAre(ann);
  const receipts = receiptsOf(ann);
  expect(receipts).toHaveLength(40);
  expect(new Set(receipts.map(({ seq }) => seq))).toEqual(new Set([50]));
  const [rows] = await database.query(`select count(*)::int as kept from trunkline.receipts where author = 'many'`);
  expect(rows).toEqual({ kept: 40 });
});

describe('of a large group, or of broadcast,', () => {
  let strict: Server;

  beforeAll(async () => {
    strict = await cluster.start({ RECEIPTS_MAX_MEMBERS: '2' });
  });

  async function join(user: string, channel: string, grants: string[] = []): Promise<TestClient> {
    const client = await cluster.connect(strict, { user, grants: ['publish:*', 'join:*', ...grants] });
    await client.must('join', { channel });
    return client;
  }

  const forbidden = (channel: string) => ({
    ok: false,
    error: { code: 3001, message: expect.stringContaining(`receipts:${channel}`), retryable: false },
  });

  it('need a right, for what is published now and what is scheduled', async () => {
    const channel = 'group:three';
    const [ann] = [await join('a', channel), await join('b', channel), await join('c', channel)];
    const message = { channel, type: 't', data: 1 };
    expect(await ann.ask('publish', { ...message, receipts: ['read'] })).toMatchObject(forbidden(channel));
    const sendAt = '2100-01-01T00:00:00Z';
    expect(await ann.ask('schedule', { ...message, sendAt, receipts: BOTH })).toMatchObject(forbidden(channel));
    expect(await ann.ask('publish', { ...message, channel: 'broadcast', receipts: BOTH })).toMatchObject(
      forbidden('broadcast'),
    );
    await ann.must('publish', message);
    await ann.must('publish', { ...message, channel: 'user:b', receipts: BOTH });
    const rows = await database.query('select count(*)::int as stored from trunkline.messages where channel = $1', [
      channel,
    ]);
    expect(rows).toEqual([{ stored: 1 }]);

    const eve = await join('e', channel, ['receipts:group:*', 'receipts:broadcast']);
    await eve.must('publish', { ...message, receipts: BOTH });
    await eve.must('publish', { ...message, channel: 'broadcast', receipts: BOTH });
    await until('all three are told of', () => receiptsOf(eve).filter((told) => told.channel === channel).length === 3);
  });

  it('need none in a small one, and publishes keep their order while its size is looked at', async () => {
    const channel = 'group:two';
    const [ann, ben] = [await join('f', channel), await join('g', channel)];
    const sent = [1, 2, 3, 4].map((data) =>
      ann.must('publish', { channel, type: 't', data, ...(data % 2 === 1 ? { receipts: BOTH } : {}) }),
    );
    await Promise.all(sent);
    await until('all came', () => ben.bodies(channel).length === 4);
    expect(ben.bodies(channel)).toEqual([1, 2, 3, 4]);
    await until('the last receipt came', () => receiptsOf(ann).some(({ seq }) => seq === 3));
  });
});
