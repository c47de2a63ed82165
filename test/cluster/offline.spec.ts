import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const { database, cluster, here, there } = await twoInstances();

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Publishes numbers one after the other, so that their order is certain. */
async function publish(server: Server, channel: string, from: number, to: number): Promise<void> {
  for (const data of numbers(from, to)) {
    const { body } = await server.rest('POST', '/v1/messages', { channel, type: 'count', data });
    expect(body).toMatchObject({ ok: true });
  }
}

/** Ends the connection once the server has stored how far it acknowledged. */
async function leave(client: TestClient): Promise<void> {
  await client.must('ack', Object.fromEntries(client.position));
  client.close();
}

it('gives a user all it missed, once and in order, on whichever instance it comes back', async () => {
  const before = await cluster.connect(here, { user: 'ann' });
  await publish(here, 'user:ann', 1, 3);
  await until('the first three came', () => before.received.length === 3);
  await leave(before);
  await publish(here, 'user:ann', 4, 20);
  await publish(there, 'user:ann', 21, 40);

  const after = await cluster.connect(there, { user: 'ann' });
  await publish(here, 'user:ann', 41, 41);
  await until('the newest came', () => after.bodies('user:ann').includes(41));
  expect(after.raw.map(({ data }) => data)).toEqual(numbers(4, 41));
  expect(after.ready?.channels).toContainEqual({ channel: 'user:ann', seq: 3, lastSeq: 40 });
});

it('gives a user who was never connected what was sent to it before', async () => {
  await publish(here, 'user:newcomer', 1, 5);
  const newcomer = await cluster.connect(there, { user: 'newcomer' });
  await until('all five came', () => newcomer.received.length === 5);
  expect(newcomer.raw.map(({ data }) => data)).toEqual(numbers(1, 5));
});

it('gives a member all its group said while it was away, also on another instance', async () => {
  const before = await cluster.connect(here, { user: 'ben' });
  await publish(here, 'group:crew', 1, 2);
  await before.must('join', { channel: 'group:crew' });
  await publish(here, 'group:crew', 3, 3);
  await until('the group is heard', () => before.received.length === 1);
  await leave(before);
  await publish(here, 'group:crew', 4, 30);

  const after = await cluster.connect(there, { user: 'ben' });
  await until('all came', () => after.bodies('group:crew').includes(30));
  expect(before.bodies('group:crew')).toEqual([3]);
  expect(after.raw.map(({ data }) => data)).toEqual(numbers(4, 30));
});

it('gives one who comes back in the middle of a stream each message once', async () => {
  const before = await cluster.connect(here, { user: 'cleo' });
  await publish(here, 'user:cleo', 1, 1);
  await until('the first came', () => before.received.length === 1);
  await leave(before);
  const stream = publish(here, 'user:cleo', 2, 150);
  await until('some wait in the log', async () => (await lastSeq('user:cleo')) > 30);
  const after = await cluster.connect(there, { user: 'cleo' });
  await stream;

  await until('all came', () => after.bodies('user:cleo').includes(150));
  expect(after.raw.map(({ data }) => data)).toEqual(numbers(2, 150));
});

it('goes on behind the resume position of the handshake, and remembers it', async () => {
  await publish(here, 'user:dora', 1, 10);
  const resumed = await cluster.connect(there, { user: 'dora', resume: { 'user:dora': 7 } });
  await until('the rest came', () => resumed.bodies('user:dora').includes(10));
  expect(resumed.raw.map(({ data }) => data)).toEqual([8, 9, 10]);
  expect(resumed.ready?.channels).toContainEqual({ channel: 'user:dora', seq: 7, lastSeq: 10 });

  await leave(resumed);
  await publish(here, 'user:dora', 11, 11);
  const again = await cluster.connect(here, { user: 'dora' });
  await until('the newest came', () => again.bodies('user:dora').includes(11));
  expect(again.raw.map(({ data }) => data)).toEqual([11]);
});

it('ignores a resume position that lies in the future', async () => {
  await publish(here, 'user:fay', 1, 3);
  const fay = await cluster.connect(there, { user: 'fay', resume: { 'user:fay': 1_000, 'group:unknown': 5 } });
  await until('all came', () => fay.received.length === 3);
  await publish(here, 'user:fay', 4, 4);
  await until('the next came', () => fay.received.length === 4);
  expect(fay.raw.map(({ data }) => data)).toEqual(numbers(1, 4));
});

it('ignores a resume position behind what the device had acknowledged', async () => {
  await publish(here, 'user:gus', 1, 5);
  const before = await cluster.connect(here, { user: 'gus' });
  await until('all came', () => before.received.length === 5);
  await leave(before);
  const after = await cluster.connect(there, { user: 'gus', resume: { 'user:gus': 2 } });
  await publish(here, 'user:gus', 6, 6);
  await until('the next came', () => after.bodies('user:gus').includes(6));
  expect(after.raw.map(({ data }) => data)).toEqual([6]);
});

async function lastSeq(channel: string): Promise<number> {
  const rows = await database.query<{ last_seq: string }>(
    'select last_seq from trunkline.channels where channel = $1',
    [channel],
  );
  return Number(rows[0]?.last_seq ?? 0);
}
