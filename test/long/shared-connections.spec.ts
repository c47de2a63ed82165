import { io, type Socket } from 'socket.io-client';
import type { EventPayload, WireError } from '#protocol';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { tokenFor } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const PLACES = 500;
const CLIENTS = 1_000;

let database: TestDatabase;
let cluster: Cluster;

beforeEach(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

/** A client that does what Socket.IO does by itself, and remembers what it was told. */
class ReturningClient {
  isIn = false;
  wasIn = false;
  readonly closings: WireError[] = [];
  turnedAway = 0;
  private readonly socket: Socket;

  constructor(url: string, user: string) {
    this.socket = io(url, { transports: ['websocket'], forceNew: true, auth: { token: tokenFor({ user }) } });
    this.socket.on('ready', () => (this.isIn = this.wasIn = true));
    this.socket.on('closing', (closing: EventPayload<'closing'>) => this.closings.push(closing));
    this.socket.on('disconnect', () => (this.isIn = false));
    this.socket.on('connect_error', (error: Error & { data?: WireError }) => {
      if (error.data) throw new Error(`refused for good: ${error.data.code} ${error.data.message}`);
      this.turnedAway += 1;
    });
  }

  get wasToldWhen(): boolean {
    return (
      this.turnedAway > 0 || this.closings.some(({ code, retryAfterMs }) => code === 4011 && Number(retryAfterMs) > 0)
    );
  }

  close(): void {
    this.socket.close();
    this.isIn = false;
  }
}

function open(server: Server | undefined, user: string): ReturningClient {
  if (!server) throw new Error('no server');
  return cluster.keep(new ReturningClient(server.url, user));
}

const table: string[] = [];
afterAll(() => void process.stderr.write(`${table.join('\n')}\n`));

it('1,000 clients that come to three instances at once fill 500 places, and the others come in as these leave', async () => {
  const servers = await Promise.all([1, 2, 3].map(() => cluster.start({ MAX_CLUSTER_CONNECTIONS: String(PLACES) })));
  const clients = Array.from({ length: CLIENTS }, (_, n) => open(servers[n % 3], `user-${n}`));
  const inside = (): ReturningClient[] => clients.filter(({ isIn }) => isIn);
  let most = 0;
  const look = (): number => (most = Math.max(most, inside().length));
  const startedAt = performance.now();
  await until('the places are taken', () => look() >= PLACES * 0.99, 40_000);
  const filledMs = performance.now() - startedAt;
  await until(
    'the others were told when to come back',
    () => {
      look();
      return clients.every(({ isIn, wasToldWhen }) => isIn || wasToldWhen);
    },
    20_000,
  );
  const answer = await fetch(`${servers[0]?.url}/socket.io/?EIO=4&transport=websocket`);
  expect([answer.status, await answer.json()]).toMatchObject([
    503,
    { error: { code: 4011, retryAfterMs: expect.any(Number) } },
  ]);
  expect(look()).toBeLessThanOrEqual(PLACES * 1.01);
  await until(
    'everybody was in',
    () => {
      look();
      for (const client of inside().slice(0, 25)) client.close();
      return clients.every(({ wasIn }) => wasIn);
    },
    60_000,
  );
  table.push(
    `${CLIENTS} clients, ${PLACES} places | most in at once ${most} | filled after ${Math.round(filledMs)} ms`,
  );
  expect(most).toBeLessThanOrEqual(PLACES * 1.01);
}, 150_000);

it('a user has its connections on all instances together, and another place as soon as it has left one', async () => {
  const servers = await Promise.all([1, 2].map(() => cluster.start({ MAX_CLUSTER_CONNECTIONS_PER_USER: '2' })));
  const [first] = [await cluster.connect(servers[0] as Server, { user: 'ann', deviceId: 'a' })];
  await cluster.connect(servers[1] as Server, { user: 'ann', deviceId: 'b' });
  const third = open(servers[1], 'ann');
  await until('it is told', () => third.closings.length > 0);
  expect(third.closings[0]).toMatchObject({ code: 4007, retryable: true, retryAfterMs: expect.any(Number) });
  await cluster.connect(servers[1] as Server, { user: 'ben' });
  expect(third.wasIn).toBe(false);
  first?.close();
  await until('it is in', () => third.isIn, 20_000);
});

it('the places of a killed instance are free once it is removed', async () => {
  const [here, there] = await Promise.all([1, 2].map(() => cluster.start({ MAX_CLUSTER_CONNECTIONS: '3' })));
  for (const user of ['ann', 'ben', 'cid']) await cluster.connect(here as Server, { user });
  const dee = open(there, 'dee');
  await until('it is turned away', () => dee.turnedAway + dee.closings.length > 0);
  await here?.end('SIGKILL');
  await until('it is in', () => dee.isIn, 20_000);
});

it('a user logs in as often a minute as it may, wherever, and is told when to come back', async () => {
  const servers = await Promise.all([1, 2].map(() => cluster.start({ MAX_LOGINS_PER_USER_PER_MIN: '10' })));
  const clients = Array.from({ length: 30 }, (_, n) => open(servers[n % 2], 'ann'));
  await until('each is in or told', () => clients.every(({ wasIn, closings }) => wasIn || closings.length > 0));
  const refused = clients.filter(({ wasIn }) => !wasIn);
  expect(refused.length).toBeGreaterThanOrEqual(30 - 11);
  expect(refused[0]?.closings[0]).toMatchObject({ code: 4010, retryable: true, retryAfterMs: expect.any(Number) });
  const other = open(servers[0], 'ben');
  await until('another user is in', () => other.isIn);
});
