import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { numbers, publishAll } from './publish.js';

const WINDOW = 64;
const ROUNDS = 30;
const PER_ROUND = 50;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  // A reader of 10 a second works on a window of 64 for longer than this: only standing still is no progress.
  cluster = new Cluster(database.url, { WINDOW_MESSAGES: String(WINDOW), ACK_TIMEOUT_MS: '2000' });
  server = await cluster.start();
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

/** Acknowledges one message after the other, ten a second, until told to stop. */
function readSlowly(client: TestClient, channel: string): { stop: () => Promise<number>; maxInFlight: () => number } {
  let [acked, isStopped, maxInFlight] = [0, false, 0];
  const reading = (async () => {
    while (!isStopped) {
      maxInFlight = Math.max(maxInFlight, (client.raw.at(-1)?.seq ?? 0) - acked);
      if (client.raw.length > acked) client.socket.emit('ack', { [channel]: ++acked });
      await delay(100); // the pace of this reader
    }
  })();
  return { maxInFlight: () => maxInFlight, stop: () => ((isStopped = true), reading.then(() => acked)) };
}

it('a reader of 10 messages a second under hundreds stays connected, holds one window, and gets all in order', async () => {
  const channel = 'user:slow';
  const slow = await cluster.connect(server, { user: 'slow', acknowledges: false });
  const reader = readSlowly(slow, channel);
  const startedAt = performance.now();
  for (const round of numbers(0, ROUNDS - 1)) {
    await publishAll(server, channel, numbers(round * PER_ROUND + 1, (round + 1) * PER_ROUND));
  }
  const rate = (ROUNDS * PER_ROUND) / ((performance.now() - startedAt) / 1_000);
  await until('it fell behind and went on at its pace', () => slow.raw.length > 2 * WINDOW, 20_000);
  const acked = await reader.stop();
  expect(slow.raw.length - acked).toBeLessThanOrEqual(WINDOW);
  expect(reader.maxInFlight()).toBeLessThanOrEqual(WINDOW);
  expect(slow.raw.length).toBeLessThan(ROUNDS * PER_ROUND);
  expect(rate).toBeGreaterThan(100);

  slow.acknowledges = true;
  await slow.must('ack', { [channel]: slow.raw.at(-1)?.seq ?? 0 });
  await until('it caught up', () => slow.received.length === ROUNDS * PER_ROUND, 20_000);
  expect(slow.raw.map(({ data }) => data)).toEqual(numbers(1, ROUNDS * PER_ROUND));
  expect([slow.closing, slow.disconnectReason, slow.gaps]).toEqual([undefined, undefined, []]);
  const failed = await database.query(
    `select outcome from trunkline.attempts where outcome in ('timeout', 'disconnected')`,
  );
  expect(failed).toEqual([]);
});
