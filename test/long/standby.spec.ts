import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { Cluster } from '../support/cluster.js';
import { healthOf } from '../support/health.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import { until } from '../support/until.js';

const ADMIN_KEY = 'a-key-of-an-operator';
const admin = (server: Server, method: string, path: string, body?: unknown) =>
  server.rest(method, `/admin/v1${path}`, body, ADMIN_KEY);

let postgres: OwnPostgres;
let cluster: Cluster;

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  cluster = new Cluster(postgres.url, { ADMIN_API_KEYS: `operator:${ADMIN_KEY}:read+operate`, LEASE_MS: '60000' });
});
afterAll(async () => {
  await cluster.end();
  await postgres.remove();
});

/** The address now leads to a server that follows another one: everything can be read but UNLOGGED tables, nothing written. */
async function becomeStandby(): Promise<void> {
  await postgres.shutDown();
  await writeFile(join(postgres.dataDirectory, 'standby.signal'), '', { mode: 0o644 });
  await postgres.startAgain();
}

it('on a standby everything that needs more is refused as retryable, a start waits, and promotion heals both', async () => {
  const server = await cluster.start();
  const ann = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  const startedAt = await until('it is listed', async () => startOf(server));
  await becomeStandby();
  const [port = 0] = await freePorts(1);
  const starting = cluster.start({ DATABASE_WAIT_MS: '50000', PORT: String(port) });
  const isWaiting = () =>
    fetch(`http://127.0.0.1:${port}/health/live`).then(
      ({ ok }) => ok,
      () => false,
    );

  const requests: [method: string, path: string, body?: unknown][] = [
    ['POST', '/v1/messages', { channel: 'user:ann', type: 't', data: 'refused' }],
    ['GET', '/v1/users/ann/presence'],
    ['GET', '/v1/users/ann/connections'],
    ['GET', '/v1/users/ann/sessions'],
    ['DELETE', '/v1/users/ann/sessions/any'],
  ];
  await until('not ready', async () => (await healthOf(server, '/ready')).status === 503);
  for (const [method, path, body] of requests) {
    const answer = await server.rest(method, path, body);
    expect([path, answer]).toEqual([path, { status: 503, body: expect.objectContaining({ ok: false }) }]);
    expect(answer.body).toMatchObject({ error: { code: 4001, retryable: true } });
  }
  for (const [method, path] of [
    ['GET', '/status'],
    ['GET', '/instances'],
  ] as const) {
    expect([path, await admin(server, method, path)]).toMatchObject([
      path,
      { status: 503, body: { error: { code: 4001 } } },
    ]);
  }
  expect(await ann.ask('publish', { channel: 'user:ann', type: 't', data: 'refused' })).toMatchObject({
    error: { code: 4001, retryable: true },
  });

  await until('the other one waits', isWaiting, 50_000);
  await postgres.query('select pg_promote()');
  const second = await starting;
  expect(second.lines.join('')).toMatch(/waiting for the database, .* is a standby that has not been promoted/);
  await until('ready', async () => (await healthOf(server, '/ready')).status === 200, 30_000);
  const { seq } = await ann.must('publish', { channel: 'user:ann', type: 't', data: 'after' });
  await until('it came', () => ann.raw.at(-1)?.seq === seq);
  expect(ann.bodies('user:ann')).toEqual(['after']);
  expect(ann.disconnectReason).toBeUndefined();
  // Written in again, since a promoted standby has no UNLOGGED rows; it started when it started.
  const again = await until('it is listed again', async () => startOf(server));
  expect(Math.abs(Date.parse(again) - Date.parse(startedAt))).toBeLessThan(2_000);
}, 150_000);

async function startOf(server: Server): Promise<string | undefined> {
  const { body } = await admin(server, 'GET', '/instances');
  const { instances = [] } = body as { instances?: { instanceId: string; startedAt: string }[] };
  return instances.find(({ instanceId }) => instanceId === server.instanceId)?.startedAt;
}
