import { Client } from 'pg';
import { Cluster } from '../support/cluster.js';
import { seeded } from '../support/seeded.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

/** What the README promises for presence after a kill. */
const NO_GHOSTS_MS = 5_000;
/** Long enough for a reconnect on a busy machine. */
const DEBOUNCE_MS = 3_000;
const CREW = 'group:crew';

const random = seeded();

interface Presence {
  readonly members: number;
  readonly online: number;
  readonly users: { user: string; isOnline: boolean; lastSeenAt: string | null }[];
}

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

async function join(server: Server, ...users: string[]): Promise<void> {
  for (const user of users) await server.rest('PUT', `/v1/channels/group%3Acrew/members/${user}`);
}

async function crew(server: Server): Promise<Presence> {
  const { body } = await server.rest('GET', '/v1/channels/group%3Acrew/presence');
  return body as Presence;
}

async function onlineIn(server: Server): Promise<string[]> {
  return (await crew(server)).users.filter(({ isOnline }) => isOnline).map(({ user }) => user);
}

/** A member who watches the crew, and is the only one online. */
async function watchCrew(server: Server, user = 'eve'): Promise<TestClient> {
  await join(server, user);
  const watcher = await cluster.connect(server, { user });
  const { online } = await watcher.must('watch', { channel: CREW });
  expect(online).toEqual([user]);
  return watcher;
}

describe('with hints', () => {
  // Polling once a minute: only the hint can have told the watchers.
  beforeAll(() => start({ POLL_MS: '60000', PRESENCE_DEBOUNCE_MS: String(DEBOUNCE_MS) }));
  afterEach(async () => {
    cluster.closeClients();
    await database.query('delete from trunkline.memberships');
  });
  afterAll(end);

  it('keeps no watch of a client that left before it was ready', async () => {
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    try {
      // What a connection waits for before it is ready.
      await blocker.query('begin; lock table trunkline.devices');
      const ann = cluster.keep(TestClient.open(here.url, { user: 'ann', grants: ['presence:*'] }));
      await until('it is let in', () => ann.socket.connected);
      ann.socket.emit('watch', { channel: CREW });
      ann.close();
      await here.rest('GET', '/health/live');
    } finally {
      await blocker.end();
    }
    // Registered after it: what was still to be written of it is written by then.
    await cluster.connect(here, { user: 'ben' });
    const watched = "select channel from trunkline.routes where channel like 'presence:%'";
    expect(await database.query(watched)).toEqual([]);
  });

  it('tells who watches a group or a user of each who comes and goes, on whichever instance, once', async () => {
    await join(here, 'ann', 'ben');
    const eve = await watchCrew(here);
    const ann = await cluster.connect(there, { user: 'ann', deviceId: 'phone' });
    const again = await cluster.connect(here, { user: 'ann', deviceId: 'laptop' });
    const ben = await cluster.connect(here, { user: 'ben' });
    await cluster.connect(there, { user: 'stranger' });
    await until('both came', () => eve.presences.length === 2);
    expect((await eve.must('watch', { channel: 'user:ben' })).online).toEqual(['ben']);
    ann.close();
    ben.close();
    await until('ben left, whom eve watches in two ways', () => eve.presences.length === 4);
    again.close();
    await until('ann left with her last connection', () => eve.presences.length === 5);
    expect(eve.presences).toEqual(['ann on', 'ben on', 'ben off', 'ben off', 'ann off']);

    await eve.must('unwatch', { channel: CREW });
    await cluster.connect(there, { user: 'ann' });
    await cluster.connect(there, { user: 'ben' });
    await until('ben came', () => eve.presences.length === 6);
    expect(eve.presences.slice(5)).toEqual(['ben on']);
  });

  it(`a user who flaps between the instances was never gone (seed ${random.seed})`, async () => {
    await join(here, 'ann', 'ben', 'flo');
    const eve = await watchCrew(here);
    const ben = await cluster.connect(there, { user: 'ben' });
    await until('ben came', () => eve.presences.length === 1);
    for (let flap = 0; flap < 15; flap++) {
      const flo = await cluster.connect(random.pick([here, there]), { user: 'flo', deviceId: random.pick(['a', 'b']) });
      if (random.below(3) > 0) await flo.must('history', { channel: CREW });
      flo.close();
    }
    const flo = await cluster.connect(there, { user: 'flo' });
    ben.close();
    // By then whoever was away before ben left, for as long as the debounce, has been announced, too.
    await until('ben left', () => eve.presences.includes('ben off'));
    expect(eve.presences).toEqual(['ben on', 'flo on', 'ben off']);

    flo.close();
    await until('flo left', () => eve.presences.includes('flo off'));
    await cluster.connect(here, { user: 'flo' });
    await until('flo came back', () => eve.presences.length === 5);
    expect(eve.presences.slice(3)).toEqual(['flo off', 'flo on']);
  });

  it('says who is online and who was last seen when, the same on every instance and in SQL', async () => {
    await join(here, 'ann', 'ben', 'nobody');
    await cluster.connect(here, { user: 'ann', deviceId: 'phone' });
    const ben = await cluster.connect(there, { user: 'ben', deviceId: 'phone' });
    const before = Date.now();
    ben.close();
    await until('ben is gone', async () => (await crew(here)).online === 1);
    for (const server of [here, there]) {
      expect(await crew(server)).toEqual({
        ok: true,
        channel: CREW,
        members: 3,
        online: 1,
        users: [
          { user: 'ann', isOnline: true, lastSeenAt: expect.any(String) },
          { user: 'ben', isOnline: false, lastSeenAt: expect.any(String) },
          { user: 'nobody', isOnline: false, lastSeenAt: null },
        ],
      });
    }
    const { body } = await there.rest('GET', '/v1/users/ben/presence');
    expect(body).toMatchObject({ ok: true, user: 'ben', isOnline: false });
    expect(Date.parse((body as { lastSeenAt: string }).lastSeenAt)).toBeGreaterThanOrEqual(before - 1_000);
    const rows = await database.query(
      `select user_id, is_online, connections::int, last_seen_at from trunkline.presence
        where user_id in ('ann', 'ben') and device_id = 'phone' order by 1`,
    );
    expect(rows).toEqual([
      { user_id: 'ann', is_online: true, connections: 1, last_seen_at: expect.any(Date) },
      { user_id: 'ben', is_online: false, connections: 0, last_seen_at: expect.any(Date) },
    ]);
    expect(await database.query('select user_id, connections::int from trunkline.online_users')).toEqual([
      { user_id: 'ann', connections: 1 },
    ]);
  });

  it('shows a user itself, its groups and those it shares one with; others by grant alone', async () => {
    await join(here, 'ann', 'ben');
    const [ann, dan] = await Promise.all([
      cluster.connect(here, { user: 'ann', grants: [] }),
      cluster.connect(here, { user: 'dan', grants: ['presence:user:a*'] }),
    ]);
    const refused = { ok: false, error: { code: 3001 } };
    for (const channel of ['user:ann', 'user:ben', CREW]) {
      expect(await ann.ask('presence', { channel })).toMatchObject({ ok: true, channel });
    }
    for (const request of ['presence', 'watch'] as const) {
      expect(await ann.ask(request, { channel: 'user:dan' })).toMatchObject(refused);
      expect(await ann.ask(request, { channel: 'group:other' })).toMatchObject(refused);
      expect(await dan.ask(request, { channel: 'user:ben' })).toMatchObject(refused);
      expect(await dan.ask(request, { channel: CREW })).toMatchObject(refused);
      expect(await dan.ask(request, { channel: 'user:ann' })).toMatchObject({ ok: true });
    }
  });

  it('tells nothing more to one who left the group', async () => {
    await join(here, 'ann', 'ben');
    const eve = await watchCrew(here);
    const ben = await cluster.connect(there, { user: 'ben' });
    await until('ben came', () => eve.presences.length === 1);
    await eve.must('watch', { channel: 'user:ben' });
    await ben.must('watch', { channel: CREW });
    await here.rest('DELETE', '/v1/channels/group%3Acrew/members/eve');
    const ann = await cluster.connect(here, { user: 'ann' });
    await until('ben heard of ann', () => ben.presences.includes('ann on'));
    ann.close();
    await until('ben heard of her again', () => ben.presences.includes('ann off'));
    expect(eve.presences).toEqual(['ben on']);
    const routes = await database.query(`select instance_id from trunkline.routes where channel = 'presence:${CREW}'`);
    expect(routes).toEqual([{ instance_id: there.instanceId }]);
  });
});

describe.each(['on', 'off'])('with NOTIFY %s', (NOTIFY) => {
  beforeEach(() => start({ NOTIFY }));
  afterEach(end);

  it('presence is right on the others within 5 s of kill -9, and each of its users announced as gone once', async () => {
    const users = Array.from({ length: 20 }, (_, n) => `user-${n}`);
    await join(here, ...users);
    const eve = await watchCrew(here);
    await Promise.all(users.map((user, n) => cluster.connect(n % 4 === 0 ? here : there, { user })));
    await until('all came', () => eve.presences.length === users.length);
    const staying = ['eve', ...users.filter((_, n) => n % 4 === 0)].toSorted();

    const killedAt = performance.now();
    await there.end('SIGKILL');
    await until('they are offline', async () => (await crew(here)).online === staying.length, NO_GHOSTS_MS);
    expect((await onlineIn(here)).toSorted()).toEqual(staying);
    const left = NO_GHOSTS_MS - (performance.now() - killedAt);
    await until('they were announced', () => eve.presences.length === users.length + 15, left);
    const gone = users.filter((user) => !staying.includes(user));
    expect(eve.presences.slice(users.length).toSorted()).toEqual(gone.map((user) => `${user} off`).toSorted());
  });

  it('presence is answered while an instance is stopped, whose users are still online', async () => {
    await join(here, 'ann');
    const eve = await watchCrew(here);
    await cluster.connect(there, { user: 'ann' });
    await until('ann came', () => eve.presences.length === 1);
    there.process.kill('SIGSTOP');
    try {
      for (let round = 0; round < 20; round++) {
        const askedAt = performance.now();
        const { users } = await eve.must('presence', { channel: CREW });
        expect(users.filter(({ isOnline }) => isOnline).map(({ user }) => user)).toEqual(['ann', 'eve']);
        expect(performance.now() - askedAt).toBeLessThan(1_000);
      }
    } finally {
      there.process.kill('SIGCONT');
    }
    const bob = await cluster.connect(here, { user: 'bob' });
    await bob.must('join', { channel: CREW });
    await until('the poll went on', () => eve.presences.includes('bob on'));
    expect(eve.presences).toEqual(['ann on', 'bob on']);
  });
});
