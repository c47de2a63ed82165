import { Client } from 'pg';
import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import type { EventPayload, WireError } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { JWT_SECRET, type Server } from '../support/server.js';
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

/** A client as in the README, which comes back as Socket.IO does by itself, and what it was told. */
class PlainClient {
  isReady = false;
  readonly closings: WireError[] = [];
  readonly disconnects: string[] = [];
  /** Connections that were answered in HTTP. */
  turnedAway = 0;
  readonly socket: Socket;

  constructor(url: string, user: string, headers: Record<string, string> = {}) {
    const auth = { token: signToken(JWT_SECRET, { user, grants: [], ttlMs: 600_000 }) };
    this.socket = io(url, { transports: ['websocket'], forceNew: true, auth, extraHeaders: headers });
    this.socket.on('ready', () => (this.isReady = true));
    this.socket.on('closing', (closing: EventPayload<'closing'>) => this.closings.push(closing));
    this.socket.on('disconnect', (reason) => this.disconnects.push(reason));
    this.socket.on('connect_error', (error: Error & { data?: WireError }) => {
      if (error.data) throw new Error(`refused for good: ${error.data.code} ${error.data.message}`);
      this.turnedAway += 1;
    });
  }

  close(): void {
    this.socket.close();
  }
}

function open(server: Server, user: string, headers?: Record<string, string>): PlainClient {
  return cluster.keep(new PlainClient(server.url, user, headers));
}

it('a full instance refuses more connections before the upgrade, and they come in by themselves when there is room', async () => {
  const server = await cluster.start({ MAX_CONNECTIONS: '2' });
  const [ann] = await Promise.all(['ann', 'ben'].map((user) => cluster.connect(server, { user })));
  const cid = open(server, 'cid');
  await until('it is turned away', () => cid.turnedAway > 0);
  const answer = await fetch(`${server.url}/socket.io/?EIO=4&transport=websocket`);
  expect([answer.status, await answer.json()]).toEqual([503, { ok: false, error: full(4006) }]);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  ann?.close();
  await until('it is in', () => cid.isReady, 20_000);
});

it('a user and an address have their caps; an address counts as a trusted proxy tells it', async () => {
  const server = await cluster.start({
    MAX_CONNECTIONS_PER_USER: '2',
    MAX_CONNECTIONS_PER_ADDRESS: '3',
    TRUST_PROXY: '127.0.0.0/8',
  });
  const come = async (user: string, address: string): Promise<WireError | 'in'> => {
    const client = open(server, user, { 'x-forwarded-for': address });
    await until('it is in or told why not', () => client.isReady || client.closings.length > 0);
    return client.closings[0] ?? 'in';
  };
  for (const user of ['ann', 'ann', 'ben']) expect(await come(user, '203.0.113.1')).toBe('in');
  expect(await come('ben', '203.0.113.1')).toEqual(full(4008));
  expect(await come('ann', '203.0.113.2')).toEqual(full(4007));
  expect(await come('ben', '203.0.113.2')).toBe('in');
  const { body } = await server.rest('GET', '/v1/users/ben/connections');
  const connections = (body as { connections: { address: string }[] }).connections;
  expect(connections.map(({ address }) => address)).toEqual(['203.0.113.1', '203.0.113.2']);
});

it('whoever is over the cap of its user is told so, and comes in by itself once there is room', async () => {
  const server = await cluster.start({ MAX_CONNECTIONS_PER_USER: '1' });
  const first = await cluster.connect(server, { user: 'ann' });
  const second = open(server, 'ann');
  await until('it is told', () => second.closings.length > 0);
  await until('its transport is closed', () => second.disconnects[0] === 'transport close');
  first.close();
  await until('it is in', () => second.isReady, 20_000);
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

it('of a storm as many as may wait are opened together, the others come back by themselves, and no more database connections are taken than the pools have', async () => {
  const server = await cluster.start({ MAX_OPENING: '20', DATABASE_POOL: '2' });
  const blocker = new Client({ connectionString: database.url });
  await blocker.connect();
  await blocker.query('begin; lock table trunkline.devices in exclusive mode');
  const clients = Array.from({ length: 60 }, (_, n) => open(server, `storm-${n}`));
  const shed = (): PlainClient[] => clients.filter(({ closings, turnedAway }) => closings.length + turnedAway > 0);
  try {
    await until('those too many are sent away', () => shed().length === 40);
    const closings = shed().flatMap((client) => client.closings);
    for (const closing of closings) expect(closing).toEqual(full(4003));
    const backends = await database.query('select from pg_stat_activity where application_name = $1', [
      `trunkline ${server.instanceId}`,
    ]);
    expect(backends.length).toBeLessThanOrEqual(2 * 2 + 7);
  } finally {
    await blocker.end();
  }
  await until('all are in', () => clients.every(({ isReady }) => isReady), 30_000);
});

it('1,200 clients that come at once all get in, with no more than Socket.IO does by itself', async () => {
  const server = await cluster.start();
  const clients = Array.from({ length: 1_200 }, (_, n) => open(server, `many-${n}`));
  await until('all are in', () => clients.every(({ isReady }) => isReady), 50_000);
});
