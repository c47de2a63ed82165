import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { Cluster } from '../support/cluster.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import { until } from '../support/until.js';
import { numbers } from './publish.js';

/** By hand: 60_000. */
const AWAY_MS = 10_000;
const REFUSED_WITHIN_MS = 5_000;
const BACK_WITHIN_MS = 5_000;

let postgres: OwnPostgres;
let cluster: Cluster;
let servers: [Server, Server];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  await migrate(postgres.url, MIGRATIONS);
  cluster = new Cluster(postgres.url);
  servers = await Promise.all([cluster.start(), cluster.start()]);
});
afterAll(async () => {
  await cluster.end();
  await postgres.remove();
});

async function health(path: string): Promise<number[]> {
  return Promise.all(
    servers.map(async (server) => (await server.rest('GET', `/health/${path}`, undefined, null)).status),
  );
}

it(
  'PostgreSQL away: publishes are refused in time and retryable, sockets stay, all heals, nothing acknowledged is lost',
  async () => {
    const reader = await cluster.connect(servers[0], { user: 'ann', deviceId: 'phone' });
    const author = await cluster.connect(servers[1], { user: 'bob' });
    const acknowledged: number[] = [];
    /** @returns whether it was acknowledged, and after how long it was answered */
    const publish = async (data: number): Promise<{ ok: boolean; retryable: boolean; tookMs: number }> => {
      const startedAt = performance.now();
      const answer = await author.ask('publish', { channel: 'user:ann', type: 't', data, publishId: `p${data}` });
      if (answer.ok) acknowledged.push(data);
      const retryable = !answer.ok && answer.error.retryable;
      return { ok: answer.ok, retryable, tookMs: performance.now() - startedAt };
    };
    for (const data of numbers(1, 20)) await publish(data);

    await postgres.shutDown();
    const awayUntil = performance.now() + AWAY_MS;
    const asked = numbers(21, 70).map(publish);
    let n = 1_000;
    const askOn = (): boolean => {
      asked.push(publish(++n));
      return performance.now() > awayUntil - REFUSED_WITHIN_MS;
    };
    // Also those that come while others wait already.
    await until('many were asked for', askOn, AWAY_MS);
    const refused = await Promise.all(asked);
    for (const { ok, retryable } of refused) expect([ok, retryable]).toEqual([false, true]);
    expect(Math.max(...refused.map(({ tookMs }) => tookMs))).toBeLessThan(REFUSED_WITHIN_MS);
    const overRest = await servers[0].rest('POST', '/v1/messages', { channel: 'user:ann', type: 't', data: 0 });
    expect(overRest).toMatchObject({ status: 503, body: { ok: false, error: { retryable: true } } });
    await until('not ready', async () => (await health('ready')).every((status) => status === 503));
    expect(await health('live')).toEqual([200, 200]);
    await until('it was away for long enough', () => performance.now() > awayUntil, AWAY_MS);

    await postgres.startAgain();
    const backAt = performance.now();
    let next = 100;
    await until('a publish is acknowledged', async () => (await publish(++next)).ok, BACK_WITHIN_MS);
    expect(performance.now() - backAt).toBeLessThan(BACK_WITHIN_MS);
    await until('ready', async () => (await health('ready')).every((status) => status === 200), 15_000);
    for (const data of numbers(21, 40)) await publish(data);
    await until('all acknowledged came', () => reader.received.length >= acknowledged.length);
    expect(reader.bodies('user:ann')).toEqual(acknowledged);
    expect(reader.raw.map(({ seq }) => seq)).toEqual(numbers(1, acknowledged.length));
    for (const client of [reader, author])
      expect([client.closing, client.disconnectReason]).toEqual([undefined, undefined]);
  },
  AWAY_MS + 50_000,
);
