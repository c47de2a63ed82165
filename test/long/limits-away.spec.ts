import { io, type Socket } from 'socket.io-client';
import type { EventPayload, WireError } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { FlakyLink } from '../support/flaky-link.js';
import type { Server } from '../support/server.js';
import { tokenFor } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** Two instances, of which one loses the database: by itself it may go on with half of each limit. */
const RATE = 40;
const LOGINS = 10;
const PLACES = 10;
const ENV = {
  MAX_PUBLISHES_PER_USER_PER_S: String(RATE),
  MAX_PUBLISHES_PER_KEY_PER_S: String(RATE),
  // What is within the limit waits for the database for so long.
  PUBLISH_DEADLINE_MS: '30000',
  // An instance that cannot renew its lease gives itself up, and its peer gives it up: this is not about that.
  LEASE_MS: '120000',
  CRON_DEAD_INSTANCES: '0 0 0 1 1 *',
};

let database: TestDatabase;
let link: FlakyLink;
let cluster: Cluster;
let here: Server;
let there: Server;

beforeEach(async () => {
  database = await createTestDatabase();
  link = await FlakyLink.start(database.url);
});
afterEach(async () => {
  link.mend();
  await cluster.end();
  await link.stop();
  await database.drop();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  cluster = new Cluster(database.url, { ...ENV, ...env });
  there = await cluster.start();
  here = await cluster.start({ DATABASE_URL: link.url });
  await until('both know of each other', async () => {
    const [row] = await database.query<{ count: number }>('select count(*)::int as count from trunkline.instances');
    return row?.count === 2;
  });
}

/** Stands for the code of a connection that ended without one. */
const CLOSED = 0;

/** A client that connects once and does not try again. */
class Attempt {
  isIn = false;
  code: number | undefined;
  private readonly socket: Socket;

  constructor(server: Server, user: string) {
    const auth = { token: tokenFor({ user }) };
    this.socket = io(server.url, { transports: ['websocket'], forceNew: true, reconnection: false, auth });
    this.socket.on('ready', () => (this.isIn = true));
    this.socket.on('disconnect', () => {
      this.isIn = false;
      this.code ??= CLOSED;
    });
    this.socket.on('closing', ({ code }: EventPayload<'closing'>) => (this.code = code));
    this.socket.on('connect_error', (error: Error & { data?: WireError; description?: unknown }) => {
      // Refused before the upgrade: HTTP 503, of which a WebSocket shows no body.
      this.code = error.data?.code ?? 503;
    });
  }

  get isAnswered(): boolean {
    return this.isIn || this.code !== undefined;
  }

  close(): void {
    this.socket.close();
  }
}

const come = (server: Server, user: string): Attempt => cluster.keep(new Attempt(server, user));

const count = (codes: readonly unknown[], code: unknown): number => codes.filter((one) => one === code).length;

describe('while PostgreSQL is away, an instance of two', () => {
  it('goes on with half of what a user may publish, and stores all of that when it is back', async () => {
    await start();
    const ann = await cluster.connect(here, { user: 'ann' });
    link.cut();
    const codes: (number | 'ok')[] = [];
    for (let n = 0; n < RATE * 1.5; n++) {
      ann.socket.emit('publish', { channel: 'user:ann', type: 't', data: n }, (answer: Answer) =>
        codes.push(answer.ok ? 'ok' : answer.error.code),
      );
    }
    await until('what is beyond its share is refused', () => codes.length === RATE, 40_000);
    expect(count(codes, 4010)).toBe(RATE);
    link.mend();
    await until('the rest is stored', () => codes.length === RATE * 1.5, 40_000);
    expect(count(codes, 'ok')).toBe(RATE / 2);
    const [row] = await database.query<{ count: number }>('select count(*)::int as count from trunkline.messages');
    expect(row?.count).toBe(RATE / 2);
  }, 150_000);

  it('goes on with half of what an API key may publish', async () => {
    await start();
    link.cut();
    const statuses: number[] = [];
    const publishes = Array.from({ length: RATE * 1.5 }, async (_, n) => {
      const { status } = await here.rest('POST', '/v1/messages', { channel: 'user:ann', type: 't', data: n });
      statuses.push(status);
    });
    await until('what is beyond its share is refused', () => statuses.length === RATE, 40_000);
    expect(count(statuses, 429)).toBe(RATE);
    link.mend();
    await Promise.all(publishes);
    const [row] = await database.query<{ count: number }>('select count(*)::int as count from trunkline.messages');
    expect(row?.count).toBe(RATE / 2);
  }, 150_000);

  it('lets a user try half as often to log in, and refuses the rest for being too often', async () => {
    await start({ MAX_LOGINS_PER_USER_PER_MIN: String(LOGINS) });
    link.cut();
    const attempts = Array.from({ length: LOGINS * 2 }, () => come(here, 'ann'));
    await until('all are answered', () => attempts.every(({ isAnswered }) => isAnswered), 40_000);
    const codes = attempts.map(({ code }) => code);
    expect([count(codes, 4010), count(codes, 4001)]).toEqual([LOGINS * 1.5, LOGINS / 2]);
  }, 150_000);

  it('gives out its half of the places, keeps those that are in, and gives out what is left when it is back', async () => {
    await start({ MAX_CLUSTER_CONNECTIONS: String(PLACES) });
    for (let n = 0; n < 6; n++) await cluster.connect(there, { user: `there-${n}` });
    const first = await cluster.connect(here, { user: 'here' });
    link.cut();
    const attempts = Array.from({ length: 8 }, (_, n) => come(here, `away-${n}`));
    await until('all are answered', () => attempts.every(({ isAnswered }) => isAnswered), 40_000);
    const codes = attempts.map(({ code }) => code);
    // Those who found a place could not be registered; some were told before the upgrade that there is none.
    expect(count(codes, 4001)).toBeLessThanOrEqual(PLACES / 2 - 1);
    expect(count(codes, 4001) + count(codes, 4011) + count(codes, 503)).toBe(8);
    expect(first.socket.connected).toBe(true);
    link.mend();
    const back: Attempt[] = [];
    const inside = (): number => back.filter(({ isIn }) => isIn).length;
    await until(
      'what is left is taken, and the next one is refused',
      () => {
        if (!back.every(({ isAnswered }) => isAnswered)) return false;
        if (inside() >= PLACES - 7 && [4011, 503].includes(back.at(-1)?.code ?? 0)) return true;
        back.push(come(here, `back-${back.length}`));
        return false;
      },
      40_000,
    );
    // Until it has heard of the others again, it may fill its half: with those of the other that are one too many.
    expect(inside()).toBeLessThanOrEqual(PLACES / 2 - 1);
    expect(first.disconnectReason).toBeUndefined();
  }, 150_000);
});

type Answer = { ok: true } | { ok: false; error: WireError };
