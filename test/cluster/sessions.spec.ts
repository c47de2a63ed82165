import type { z } from 'zod';
import { parse, rest } from '#protocol';
import { Cluster } from '../support/cluster.js';
import type { RestAnswer, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { TestClient, tokenFor } from '../support/test-client.js';
import { until } from '../support/until.js';

/** What is promised for the end of a session. */
const CLOSED_WITHIN_MS = 5_000;
const ENDED = { code: 2005, retryable: false };

let database: TestDatabase;
let cluster: Cluster;
let here: Server;
let there: Server;

async function start(env: Record<string, string>): Promise<void> {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, env);
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
}

async function end(): Promise<void> {
  await cluster.end();
  await database.drop();
}

async function sessionsOf(user: string, server = here): Promise<z.infer<typeof rest.SessionView>[]> {
  const { body } = await server.rest('GET', `/v1/users/${user}/sessions`);
  return parse(rest.SessionsAnswer, body).sessions;
}

const revoke = (user: string, sessionId: string): Promise<RestAnswer> =>
  here.rest('DELETE', `/v1/users/${user}/sessions/${encodeURIComponent(sessionId)}`);

/** How the handshake of a client with these options is refused. */
async function refusalOf(options: Parameters<typeof tokenFor>[0], server = here): Promise<object> {
  const client = cluster.keep(TestClient.open(server.url, options));
  return until('it is refused', () => client.refusal);
}

describe.each([
  // Polling once a minute: only the hint can have told the other instance.
  ['on', '60000'],
  ['off', '1500'],
])('with NOTIFY %s', (NOTIFY, POLL_MS) => {
  beforeAll(() => start({ NOTIFY, POLL_MS }));
  afterEach(() => cluster.closeClients());
  afterAll(end);

  it('a revoked session closes its sockets on every instance within 5 s, and its token is refused', async () => {
    const login = { user: 'ann', sessionId: 'login/1' };
    const sockets = await Promise.all([
      cluster.connect(here, { ...login, deviceId: 'tab-1' }),
      cluster.connect(there, { ...login, deviceId: 'tab-2' }),
    ]);
    const other = await cluster.connect(there, { user: 'ann', sessionId: 'login/2' });
    expect(await revoke('ann', 'login/1')).toMatchObject({ status: 200, body: { ok: true, sessionId: 'login/1' } });
    for (const socket of sockets) {
      await until('it is closed', () => socket.disconnectReason, CLOSED_WITHIN_MS);
      expect(socket.closing).toMatchObject(ENDED);
    }
    expect(await refusalOf(login, there)).toMatchObject(ENDED);
    expect((await other.ask('presence', { channel: 'user:ann' })).ok).toBe(true);
    await until('its sockets are gone from the registry', async () =>
      (await sessionsOf('ann')).every(({ endReason, openConnections }) => endReason === null || openConnections === 0),
    );
    expect(await sessionsOf('ann')).toMatchObject([
      { sessionId: 'login/2', endedAt: null, endReason: null, openConnections: 1 },
      { sessionId: 'login/1', endedAt: expect.any(String), endReason: 'revoked', openConnections: 0, connections: 2 },
    ]);
  });

  it('a logout answers, closes the sockets of the session everywhere, and leaves those of other devices', async () => {
    const token = tokenFor({ user: 'ben' });
    const [phone, again, laptop] = await Promise.all([
      cluster.connect(here, { user: 'ben', deviceId: 'phone', token }),
      cluster.connect(there, { user: 'ben', deviceId: 'phone' }),
      cluster.connect(there, { user: 'ben', deviceId: 'laptop' }),
    ]);
    expect(await phone.ask('logout', {})).toEqual({ ok: true });
    for (const socket of [phone, again]) {
      await until('it is closed', () => socket.disconnectReason, CLOSED_WITHIN_MS);
      expect(socket.closing).toMatchObject(ENDED);
    }
    expect((await laptop.ask('presence', { channel: 'user:ben' })).ok).toBe(true);
    expect(await refusalOf({ user: 'ben', deviceId: 'phone', token })).toMatchObject(ENDED);

    // The session of a device without sid begins again with the next login, and only for that.
    const later = await cluster.connect(there, { user: 'ben', deviceId: 'phone' });
    expect(await refusalOf({ user: 'ben', deviceId: 'phone', token })).toMatchObject(ENDED);
    expect((await later.ask('presence', { channel: 'user:ben' })).ok).toBe(true);
  });
});

describe('a session', () => {
  beforeAll(() => start({ TOKEN_NOTICE_MS: '2000', TOKEN_CLOCK_TOLERANCE_MS: '1000' }));
  afterEach(() => cluster.closeClients());
  afterAll(end);

  it('spans connections and instances, and is listed per user', async () => {
    const login = { user: 'cid', sessionId: 's-1', deviceId: 'phone' };
    const first = await cluster.connect(here, login);
    first.close();
    await cluster.connect(there, login);
    await cluster.connect(here, { ...login, deviceId: 'phone' });
    await cluster.connect(here, { user: 'cid', deviceId: 'laptop' });
    await until('the first is gone', async () => (await sessionsOf('cid')).every((row) => row.openConnections < 3));
    for (const server of [here, there]) {
      const sessions = await sessionsOf('cid', server);
      expect(sessions).toHaveLength(2);
      expect(sessions).toContainEqual({
        sessionId: 's-1',
        deviceId: 'phone',
        startedAt: expect.any(String),
        lastActivityAt: expect.any(String),
        expiresAt: expect.any(String),
        endedAt: null,
        endReason: null,
        openConnections: 2,
        connections: 3,
        instanceId: here.instanceId,
        address: expect.stringContaining('127.0.0.1'),
        userAgent: null,
      });
      expect(sessions).toContainEqual(
        expect.objectContaining({ sessionId: 'device:laptop', deviceId: 'laptop', openConnections: 1 }),
      );
    }
    expect(await sessionsOf('stranger')).toEqual([]);
    expect(await revoke('cid', 'unknown')).toMatchObject({ status: 404, body: { ok: false, error: { code: 1012 } } });
  });

  it('goes on with a new token on the live socket, and with the grants of that', async () => {
    const login = { user: 'dan', sessionId: 's-2', grants: [], ttlMs: 4_000 };
    const [kept, lost] = await Promise.all([cluster.connect(here, login), cluster.connect(there, login)]);
    await until('it is told', () => kept.expiring);
    expect(kept.socket.connected).toBe(true);
    expect(await kept.ask('publish', { channel: 'user:eve', type: 't', data: 1 })).toMatchObject({ ok: false });
    const token = tokenFor({ ...login, grants: ['publish:user:eve'], ttlMs: 60_000 });
    expect((await kept.must('token', { token })).expiresAt).not.toBe(kept.expiring?.expiresAt);

    await until('the other is closed', () => lost.disconnectReason);
    expect(lost.closing).toMatchObject({ code: 2003, retryable: false });
    expect(await kept.ask('publish', { channel: 'user:eve', type: 't', data: 2 })).toMatchObject({ ok: true });
    const [session] = await sessionsOf('dan');
    expect(Date.parse(session?.expiresAt ?? '') - Date.now()).toBeGreaterThan(30_000);
  });

  it('goes on with no token of another user or session', async () => {
    const flo = await cluster.connect(here, { user: 'flo', sessionId: 's-3' });
    for (const token of [
      tokenFor({ user: 'gus', sessionId: 's-3' }),
      tokenFor({ user: 'flo', sessionId: 's-4' }),
      tokenFor({ user: 'flo' }),
      'forged',
    ]) {
      expect(await flo.ask('token', { token })).toMatchObject({ ok: false, error: { code: 2002 } });
    }
    await flo.must('token', { token: tokenFor({ user: 'flo', sessionId: 's-3' }) });
  });
});
