import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { io } from 'socket.io-client';
import { signToken } from '#auth';
import type { WireError } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { JWT_SECRET, type Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const full = (code: number): unknown =>
  expect.objectContaining({ code, retryable: true, retryAfterMs: expect.any(Number) });

let database: TestDatabase;
let cluster: Cluster;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function refusalOf(server: Server, user: string): Promise<WireError> {
  const client = cluster.keep(TestClient.open(server.url, { user }));
  return until(`${user} is refused`, () => client.refusal);
}

it('a full instance refuses more connections, and takes them again when there is room', async () => {
  const server = await cluster.start({ MAX_CONNECTIONS: '2' });
  const [ann] = await Promise.all(['ann', 'ben'].map((user) => cluster.connect(server, { user })));
  expect(await refusalOf(server, 'cid')).toEqual(full(4006));
  ann?.close();
  await until('there is room', () =>
    cluster.connect(server, { user: 'cid' }).then(
      () => true,
      () => false,
    ),
  );
  expect(await refusalOf(server, 'dee')).toEqual(full(4006));
});

it('a user and an address have their caps; an address counts as a trusted proxy tells it', async () => {
  const server = await cluster.start({
    MAX_CONNECTIONS_PER_USER: '2',
    MAX_CONNECTIONS_PER_ADDRESS: '3',
    TRUST_PROXY: '127.0.0.0/8',
  });
  const open = (user: string, from: string): Promise<WireError | 'in'> => {
    const token = signToken(JWT_SECRET, { user, grants: [], ttlMs: 60_000 });
    const options = { transports: ['websocket'], reconnection: false, forceNew: true, auth: { token } };
    const socket = cluster.keep(io(server.url, { ...options, extraHeaders: { 'x-forwarded-for': from } }));
    return new Promise((resolve) => {
      socket.on('ready', () => resolve('in'));
      socket.on('connect_error', (error: Error & { data?: WireError }) => resolve(error.data as WireError));
    });
  };
  for (const user of ['ann', 'ann', 'ben']) expect(await open(user, '203.0.113.1')).toBe('in');
  expect(await open('ben', '203.0.113.1')).toEqual(full(4008));
  expect(await open('ann', '203.0.113.2')).toEqual(full(4007));
  expect(await open('ben', '203.0.113.2')).toBe('in');
  const { body } = await server.rest('GET', '/v1/users/ben/connections');
  const connections = (body as { connections: { address: string }[] }).connections;
  expect(connections.map(({ address }) => address)).toEqual(['203.0.113.1', '203.0.113.2']);
});

it('AT_CONNECTION_CAP=close-oldest lets the newest in and tells the oldest not to come back by itself', async () => {
  const server = await cluster.start({ MAX_CONNECTIONS_PER_USER: '1', AT_CONNECTION_CAP: 'close-oldest' });
  const first = await cluster.connect(server, { user: 'ann' });
  const second = await cluster.connect(server, { user: 'ann' });
  await until('the first is closed', () => first.disconnectReason);
  expect(first.closing).toMatchObject({ code: 1017, retryable: false });
  // After this reason Socket.IO does not reconnect by itself.
  expect(first.disconnectReason).toBe('io server disconnect');
  expect(second.disconnectReason).toBeUndefined();
});

it('of a storm as many as may wait are opened together, the others are told when to come back, and no more database connections are taken than the pools have', async () => {
  const server = await cluster.start({ MAX_OPENING: '20', DATABASE_POOL: '2' });
  const users = Array.from({ length: 60 }, (_, n) => `storm-${n}`);
  const blocker = new Client({ connectionString: database.url });
  await blocker.connect();
  await blocker.query('begin; lock table trunkline.devices in exclusive mode');
  const clients = users.map((user) => cluster.keep(TestClient.open(server.url, { user })));
  try {
    await until('those too many are refused', () => clients.filter(({ refusal }) => refusal).length === 40);
    const refusals = clients.flatMap(({ refusal }) => refusal ?? []);
    for (const refusal of refusals) expect(refusal).toEqual(full(4003));
    expect(new Set(refusals.map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(20);
    const backends = await database.query('select from pg_stat_activity where application_name = $1', [
      `trunkline ${server.instanceId}`,
    ]);
    expect(backends.length).toBeLessThanOrEqual(2 * 2 + 7);
  } finally {
    await blocker.end();
  }
  await Promise.all(clients.map((client) => comeIn(client)));
});

/** As the protocol asks of a client. */
async function comeIn(client: TestClient): Promise<void> {
  while (client.refusal) {
    const { retryAfterMs = 1_000 } = client.refusal;
    client.refusal = undefined;
    await delay(retryAfterMs);
    client.socket.connect();
    await until('it is in or refused', () => client.ready ?? client.refusal);
  }
  await until('it is in', () => client.ready);
}
