import type { Socket } from 'node:net';
import { Cluster } from '../support/cluster.js';
import type { HistoryPage, RequestPayload } from '#protocol';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { numbers, publish, publishAll } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ann: TestClient;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
});
beforeEach(async () => {
  ann = await cluster.connect(server, { user: 'ann' });
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

type Bounds = Omit<RequestPayload<'history'>, 'channel'>;

/** Asks for page after page until there is no next one; the bodies as they came. */
async function pageThrough(channel: string, bounds: Bounds): Promise<unknown[]> {
  const bodies: unknown[] = [];
  let next: Bounds | undefined = bounds;
  while (next) {
    const page: HistoryPage = await ann.must('history', { channel, ...next });
    expect(page.messages.length).toBeLessThanOrEqual(bounds.limit ?? 100);
    bodies.push(...page.messages.map(({ data }) => data));
    const { nextAfterSeq, nextBeforeSeq } = page;
    if (nextAfterSeq !== null) next = { ...next, afterSeq: nextAfterSeq };
    else if (nextBeforeSeq !== null) next = { ...next, beforeSeq: nextBeforeSeq };
    else next = undefined;
  }
  return bodies;
}

/** Moves a message into the past, as if it had been published then. */
async function age(channel: string, toSeq: number, interval: string): Promise<void> {
  await database.query(
    `update trunkline.messages set created_at = created_at - $3::interval where channel = $1 and seq <= $2`,
    [channel, toSeq, interval],
  );
}

describe('pages', () => {
  it.each(['asc', 'desc'] as const)('end with the last message, also one that is just full: %s', async (order) => {
    const channel = `group:full-${order}`;
    await publishAll(server, channel, numbers(1, 3));
    for (const limit of [1, 3]) {
      let page = await ann.must('history', { channel, order, limit });
      for (let pages = 3 / limit; pages > 1; pages--) {
        const { nextAfterSeq: afterSeq, nextBeforeSeq: beforeSeq } = page;
        const next = order === 'asc' ? { afterSeq: afterSeq ?? 9 } : { beforeSeq: beforeSeq ?? 0 };
        page = await ann.must('history', { channel, order, limit, ...next });
      }
      expect(page.messages.at(-1)?.seq).toBe(order === 'asc' ? 3 : 1);
      expect(page).toMatchObject({ nextAfterSeq: null, nextBeforeSeq: null });
    }
  });

  it.each([1, 7, 10, 25, 30])('of %i give every message once, in either direction', async (limit) => {
    const channel = `group:pages-${limit}`;
    await publishAll(server, channel, numbers(1, 30));
    expect(await pageThrough(channel, { limit })).toEqual(numbers(1, 30));
    expect(await pageThrough(channel, { limit, order: 'desc' })).toEqual(numbers(1, 30).toReversed());
  });

  it('over REST too', async () => {
    await publishAll(server, 'group:rest', numbers(1, 25));
    const bodies: unknown[] = [];
    for (let after: number | null = 0; after !== null;) {
      const path = `/v1/channels/group%3Arest/messages?limit=10&after=${after}`;
      const { body } = (await server.rest('GET', path)) as {
        body: { messages: { data: unknown }[]; nextAfterSeq: number | null };
      };
      bodies.push(...body.messages.map(({ data }) => data));
      after = body.nextAfterSeq;
    }
    expect(bodies).toEqual(numbers(1, 25));
  });

  it('leave out what expired, was cancelled or collapsed, and go on behind it', async () => {
    const channel = 'group:holes';
    const requests = numbers(1, 20).map((data) => ({
      channel,
      data,
      ...(data % 4 === 0 ? { ttlMs: 1 } : {}),
      ...(data % 4 === 1 ? { collapseKey: 'k' } : {}),
    }));
    const published = [];
    for (const request of requests) published.push(await publish(server, request));
    for (const { id } of published.filter((_, n) => n % 4 === 1)) await server.rest('DELETE', `/v1/messages/${id}`);
    const kept = [3, 7, 11, 15, 17, 19];
    await until('the last has expired', async () => (await pageThrough(channel, {})).length === kept.length);
    for (const limit of [1, 3, 4]) {
      expect(await pageThrough(channel, { limit })).toEqual(kept);
      expect(await pageThrough(channel, { limit, order: 'desc' })).toEqual(kept.toReversed());
    }
  });

  it('of nothing are empty and the last', async () => {
    const page = { messages: [], nextAfterSeq: null, nextBeforeSeq: null };
    expect(await ann.must('history', { channel: 'group:never' })).toMatchObject({ ...page, lastSeq: 0 });
    await publishAll(server, 'group:few', [1, 2]);
    expect(await ann.must('history', { channel: 'group:few', afterSeq: 2 })).toMatchObject({ ...page, lastSeq: 2 });
  });
});

describe('bounds', () => {
  it('by seq leave out their ends, in either order', async () => {
    await publishAll(server, 'group:seq', numbers(1, 10));
    const bounds = { afterSeq: 3, beforeSeq: 8, limit: 3 };
    expect(await pageThrough('group:seq', bounds)).toEqual([4, 5, 6, 7]);
    expect(await pageThrough('group:seq', { ...bounds, order: 'desc' })).toEqual([7, 6, 5, 4]);
  });

  it('by time take in the first moment and not the last, whatever their zone', async () => {
    const channel = 'group:time';
    await publishAll(server, channel, numbers(1, 9));
    await age(channel, 6, '1 hour');
    await age(channel, 3, '1 hour');
    const [fourth, seventh] = await Promise.all([4, 7].map((seq) => createdAt(channel, seq)));
    const bounds = { from: fourth!, to: seventh!, limit: 2 };
    expect(await pageThrough(channel, bounds)).toEqual([4, 5, 6]);
    expect(await pageThrough(channel, { ...bounds, order: 'desc' })).toEqual([6, 5, 4]);
    expect(await pageThrough(channel, { to: fourth!.replace('Z', '+00:00') })).toEqual([1, 2, 3]);
    expect(await pageThrough(channel, { from: fourth!, beforeSeq: 6 })).toEqual([4, 5]);
  });

  it('that are none are refused', async () => {
    const channel = 'group:time';
    for (const bounds of [{ from: 'yesterday' }, { order: 'up' }, { limit: 501 }, { afterSeq: -1 }]) {
      expect(await ann.send('history', { channel, ...bounds })).toMatchObject({ ok: false, error: { code: 1000 } });
    }
  });
});

describe('a position from before retention', () => {
  /** As retention leaves it: the oldest are gone with their partition. */
  async function retain(channel: string, fromSeq: number): Promise<void> {
    await database.query('delete from trunkline.messages where channel = $1 and seq < $2', [channel, fromSeq]);
  }

  it('of a device that comes back gets a gap for what was removed, and all of the rest', async () => {
    const before = await cluster.connect(server, { user: 'ben', deviceId: 'phone' });
    await publishAll(server, 'user:ben', numbers(1, 3));
    await until('all came', () => before.received.length === 3);
    await before.must('ack', { 'user:ben': 3 });
    before.close();
    await publishAll(server, 'user:ben', numbers(4, 10));
    await retain('user:ben', 8);
    const after = await cluster.connect(server, { user: 'ben', deviceId: 'phone', resume: { 'user:ben': 2 } });
    await until('the rest came', () => after.received.length === 3);
    expect(after.gaps).toMatchObject([{ channel: 'user:ben', fromSeq: 4, toSeq: 7, reason: 'removed' }]);
    expect(after.bodies('user:ben')).toEqual([8, 9, 10]);
  });

  it('of a subscriber gets one too', async () => {
    await publishAll(server, 'group:old', numbers(1, 10));
    await retain('group:old', 6);
    expect(await ann.must('subscribe', { channel: 'group:old', sinceSeq: 2 })).toMatchObject({ seq: 2, lastSeq: 10 });
    await until('the rest came', () => ann.bodies('group:old').length === 5);
    expect(ann.gaps).toMatchObject([{ channel: 'group:old', fromSeq: 3, toSeq: 5, reason: 'removed' }]);
  });

  it('gets one gap to the end when nothing is left', async () => {
    await publishAll(server, 'group:empty', numbers(1, 5));
    await retain('group:empty', 6);
    await ann.must('subscribe', { channel: 'group:empty', sinceSeq: 1 });
    await until('the gap came', () => ann.gaps.length === 1);
    expect(ann.gaps).toMatchObject([{ channel: 'group:empty', fromSeq: 2, toSeq: 5, reason: 'removed' }]);
    await publishAll(server, 'group:empty', [6]);
    await until('it goes on', () => ann.bodies('group:empty').length === 1);
  });
});

it('is not read on for a client that does not read what it asked for', async () => {
  const wordy = await cluster.start({ LOG_LEVEL: 'debug' });
  const big = 'x'.repeat(60_000);
  await publishAll(server, 'group:big', Array(5).fill(big));
  const reader = await cluster.connect(wordy, { user: 'greedy', grants: ['subscribe:*'] });
  const { engine } = reader.socket.io;
  const { _socket: cable } = (engine.transport as unknown as { ws: { _socket: Socket } }).ws;
  cable.pause();
  const asked = Array.from({ length: 100 }, () => reader.ask('history', { channel: 'group:big' }));
  await until('one was refused', () => wordy.lines.some((line) => line.includes('"code":4003')));
  cable.resume();
  const answers = await Promise.all(asked);
  const served = answers.filter(({ ok }) => ok).length;
  expect(served).toBeGreaterThan(0);
  expect(answers.filter((answer) => !answer.ok && answer.error.code === 4003)).toHaveLength(asked.length - served);
});

async function createdAt(channel: string, seq: number): Promise<string> {
  const page = await ann.must('history', { channel, afterSeq: seq - 1, limit: 1 });
  return page.messages[0]?.createdAt ?? '';
}
