import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const WINDOW = 10;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { WINDOW_MESSAGES: String(WINDOW) });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function publish(channel: string, from: number, to: number): Promise<void> {
  const messages = numbers(from, to).map((data) => ({ channel, type: 'count', data }));
  const { body } = await server.rest('POST', '/v1/messages', { messages });
  expect(body).toMatchObject({ ok: true });
}

/** An answer comes after everything sent before it. */
async function hearEverythingSent(client: TestClient): Promise<void> {
  await client.must('history', { channel: 'broadcast' });
}

it('one who does not acknowledge holds a full window and no more, while a fast reader of the channel gets all', async () => {
  const slow = await cluster.connect(server, { user: 'slow', acknowledges: false });
  const fast = await cluster.connect(server, { user: 'fast' });
  for (const client of [slow, fast]) await client.must('join', { channel: 'group:busy' });
  await publish('group:busy', 1, 200);

  await until('the fast one got all', () => fast.received.length === 200);
  await hearEverythingSent(slow);
  expect(slow.raw.map(({ data }) => data)).toEqual(numbers(1, WINDOW));
  expect(fast.raw.map(({ data }) => data)).toEqual(numbers(1, 200));
});

it('gives it the rest, in order, as it acknowledges', async () => {
  const slow = await cluster.connect(server, { user: 'sluggish', acknowledges: false });
  await publish('user:sluggish', 1, 200);
  for (let acked = 0; acked < 100; acked += WINDOW) {
    await until('the window is full', () => slow.raw.length === acked + WINDOW);
    await hearEverythingSent(slow);
    expect(slow.raw).toHaveLength(acked + WINDOW);
    await slow.must('ack', { 'user:sluggish': acked + WINDOW });
  }
  slow.acknowledges = true;
  await slow.must('ack', Object.fromEntries(slow.position));

  await until('all came', () => slow.received.length === 200);
  await publish('user:sluggish', 201, 205);
  await until('it is live again', () => slow.received.length === 205);
  expect(slow.raw.map(({ data }) => data)).toEqual(numbers(1, 205));
});

it('the window is one for all channels of a connection', async () => {
  const slow = await cluster.connect(server, { user: 'lazy', acknowledges: false });
  await slow.must('join', { channel: 'group:lazy' });
  await Promise.all([publish('user:lazy', 1, WINDOW), publish('group:lazy', 1, WINDOW)]);
  await until('the window is full', () => slow.raw.length === WINDOW);
  slow.acknowledges = true;
  await slow.must('ack', Object.fromEntries(slow.position));

  await until('all came', () => slow.received.length === 2 * WINDOW);
  expect(slow.raw).toHaveLength(2 * WINDOW);
  expect(slow.bodies('user:lazy')).toEqual(numbers(1, WINDOW));
  expect(slow.bodies('group:lazy')).toEqual(numbers(1, WINDOW));
});

it('refuses an acknowledgement of what was not sent', async () => {
  const eager = await cluster.connect(server, { user: 'eager', acknowledges: false });
  await publish('user:eager', 1, 2 * WINDOW);
  await until('the window is full', () => eager.raw.length === WINDOW);
  expect(await eager.ask('ack', { 'user:eager': 2 * WINDOW })).toMatchObject({ ok: false, error: { code: 1009 } });
  expect(await eager.ask('ack', { 'user:somebody': 1 })).toMatchObject({ ok: false, error: { code: 1010 } });
});
