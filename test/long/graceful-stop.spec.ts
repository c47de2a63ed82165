import { connect, type Socket } from 'node:net';
import { Client } from 'pg';
import { Cluster } from '../support/cluster.js';
import { expectDelivered } from '../support/expect-delivered.js';
import { FlakyLink } from '../support/flaky-link.js';
import { RoamingReader } from '../support/roaming-reader.js';
import type { Server } from '../support/server.js';
import { SteadyPublisher } from '../support/steady-publisher.js';
import { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const DRAINING = expect.objectContaining({ code: 4004, retryable: true });
/** Far less than half of DRAIN_TIMEOUT_MS, which is how long the drain waits for requests that do not end. */
const DRAIN_MS = 5_000;

let database: TestDatabase;
let cluster: Cluster;
let leaving: Server;
let staying: Server;

beforeEach(async () => {
  database = await createTestDatabase();
  // Acknowledgements wait in memory for far longer than a test takes: what is stored, the drain has stored.
  cluster = new Cluster(database.url, { ACK_FLUSH_MS: '10000' });
  [leaving, staying] = await Promise.all([cluster.start(), cluster.start()]);
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

async function count(table: string, { instanceId }: Server): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::int as count from trunkline.${table} where instance_id = $1`,
    [instanceId],
  );
  return row?.count ?? 0;
}

it('SIGTERM ends an instance with code 0, tells its clients to come back, and leaves no row of it', async () => {
  const clients = await Promise.all(
    ['ann', 'ben', 'cid'].map((user) => cluster.connect(leaving, { user, deviceId: 'phone' })),
  );
  expect(await count('connections', leaving)).toBe(3);
  expect(await count('routes', leaving)).toBe(4);
  expect(await leaving.end('SIGTERM')).toBe(0);

  for (const client of clients) {
    await until('it is disconnected', () => client.disconnectReason);
    expect(client.reconnect?.afterMs).toBeGreaterThanOrEqual(0);
  }
  for (const table of ['instances', 'connections', 'routes']) expect(await count(table, leaving)).toBe(0);
  expect(await count('instances', staying)).toBe(1);
});

it('SIGTERM stores what was acknowledged, to the last message', async () => {
  const ann = await cluster.connect(leaving, { user: 'ann' });
  for (let n = 1; n <= 30; n++) {
    await staying.rest('POST', '/v1/messages', { channel: 'user:ann', type: 'count', data: n });
  }
  await until('all came', () => ann.received.length === 30);
  // Answered requests come after the acknowledgements before them.
  await ann.must('history', { channel: 'user:ann' });
  expect(await leaving.end('SIGTERM')).toBe(0);

  const cursors = await database.query(
    "select delivered_seq::int from trunkline.cursors where user_id = 'ann' and channel = 'user:ann'",
  );
  expect(cursors).toEqual([{ delivered_seq: 30 }]);
});

it('SIGTERM answers every publish: stored, or to be repeated elsewhere; and takes nobody in any more', async () => {
  const ann = await cluster.connect(leaving, { user: 'ann' });
  const publishes = Array.from({ length: 200 }, (_, n) =>
    ann.ask('publish', { channel: 'user:ben', type: 'count', data: n }),
  );
  await publishes[0];
  const ended = leaving.end('SIGTERM');
  const answers = await Promise.all(publishes);
  expect(await ended).toBe(0);

  for (const answer of answers) expect(answer.ok || answer.error).toEqual(answer.ok || DRAINING);
  const stored = answers.flatMap((answer, n) => (answer.ok ? [n] : []));
  const ben = await cluster.connect(staying, { user: 'ben' });
  await until('what was stored came', () => ben.received.length === stored.length);
  expect(ben.bodies('user:ben')).toEqual(stored);
  await expect(cluster.connect(leaving, { user: 'late' })).rejects.toThrow();
});

it('SIGTERM is not put off by a client that never stops asking', async () => {
  const busy = await cluster.connect(leaving, { user: 'busy' });
  let answered = 0;
  const askOn = async (): Promise<void> => {
    while (busy.socket.connected) {
      const answer = await busy.ask('history', { channel: 'broadcast' }).catch(() => undefined);
      if (answer?.ok) answered += 1;
    }
  };
  // More than the instance answers at once, so that some are always under way.
  const asking = Array.from({ length: 100 }, askOn);
  await until('it is answered', () => answered > 200);
  const [exitCode] = await Promise.all([
    leaving.end('SIGTERM'),
    until('it has ended', () => !leaving.isRunning, DRAIN_MS),
  ]);
  expect(exitCode).toBe(0);
  await Promise.all(asking);
});

it('SIGTERM is not put off by a client whose cable has fallen silent, nor by half a request', async () => {
  const link = await FlakyLink.start(leaving.url);
  const { port, hostname } = new URL(leaving.url);
  const half: Socket = connect(Number(port), hostname, () => half.write('GET /health/live HTTP/1.1\r\nHost: x\r\n'));
  try {
    await cluster.keep(TestClient.open(link.url, { user: 'ann' })).whenReady();
    link.freeze();
    const [exitCode] = await Promise.all([
      leaving.end('SIGTERM'),
      until('it has ended', () => !leaving.isRunning, DRAIN_MS),
    ]);
    expect(exitCode).toBe(0);
  } finally {
    half.destroy();
    await link.stop();
  }
});

it('the clients of a draining instance come back no faster than the pace allows, and are served until their turn', async () => {
  const perSecond = 10;
  const paced = await cluster.start({ DRAIN_RECONNECTS_PER_S: String(perSecond) });
  const clients = await Promise.all(
    Array.from({ length: 15 }, (_, n) => cluster.connect(paced, { user: `user-${n}`, deviceId: 'phone' })),
  );
  const leftAt: number[] = [];
  for (const client of clients) client.socket.once('disconnect', () => leftAt.push(performance.now()));
  const ended = paced.end('SIGTERM');
  await until('all know when to leave', () => clients.every(({ reconnect }) => reconnect));
  const last = clients.reduce((a, b) => ((a.reconnect?.afterMs ?? 0) > (b.reconnect?.afterMs ?? 0) ? a : b));
  await until('half are gone', () => leftAt.length > clients.length / 2);
  await last.must('publish', { channel: `user:${last.ready?.user}`, type: 'note', data: 'still here' });
  await until('it came', () => last.received.length === 1);
  expect(await ended).toBe(0);
  await until('all are gone', () => leftAt.length === clients.length);
  for (const at of leftAt) {
    expect(leftAt.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(perSecond);
  }
});

it('a draining instance is not ready, and refuses sockets before the upgrade, so that a load balancer passes them on', async () => {
  const paced = await cluster.start({ DRAIN_RECONNECTS_PER_S: '1' });
  const clients = await Promise.all(['ann', 'ben'].map((user) => cluster.connect(paced, { user })));
  const ended = paced.end('SIGTERM');
  await until('they know', () => clients.every(({ reconnect }) => reconnect));
  expect((await paced.rest('GET', '/health/ready')).status).toBe(503);
  const late = cluster.keep(TestClient.open(paced.url, { user: 'late' }));
  await until('it is refused', () => late.failure);
  expect(late.refusal).toBeUndefined();
  expect(await ended).toBe(0);
});

describe('a drain that cannot end', () => {
  let blocker: Client;

  beforeEach(async () => {
    blocker = new Client({ connectionString: database.url });
    await blocker.connect();
  });
  afterEach(() => blocker.end());

  /** With a publish under way that the database keeps waiting. */
  async function stuck(env: Record<string, string> = {}): Promise<Server> {
    const server = await cluster.start({ PUBLISH_DEADLINE_MS: '60000', ...env });
    const ann = await cluster.connect(server, { user: 'ann' });
    await blocker.query('begin; lock table trunkline.channels in exclusive mode');
    void ann.ask('publish', { channel: 'user:ben', type: 'note', data: 1 }).catch(() => undefined);
    await until('the publish waits', async () => {
      const rows = await database.query("select from pg_stat_activity where wait_event_type = 'Lock'");
      return rows.length > 0;
    });
    return server;
  }

  it('is forced after DRAIN_TIMEOUT_MS, with an exit code that says so', async () => {
    const server = await stuck({ DRAIN_TIMEOUT_MS: '500' });
    expect(await server.end('SIGTERM')).toBe(1);
  });

  it('is forced by a second signal', async () => {
    const server = await stuck();
    server.process.kill('SIGTERM');
    // One that comes at once counts as the same: under npm Ctrl-C arrives twice.
    await until('it has ended', () => {
      if (server.isRunning) server.process.kill('SIGTERM');
      return !server.isRunning;
    });
    expect(server.process.exitCode).toBe(1);
  });
});

it.each([
  ['an exception that nobody caught', `process.on('SIGUSR2',()=>{throw new Error('planted')})`],
  ['a rejection that nobody handled', `process.on('SIGUSR2',()=>void Promise.reject(new Error('planted')))`],
])('%s drains the instance, and its exit code says so', async (_, code) => {
  const server = await cluster.start({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });
  const ann = await cluster.connect(server, { user: 'ann' });
  expect(await server.end('SIGUSR2')).toBe(1);
  await until('it is disconnected', () => ann.disconnectReason);
  expect(ann.reconnect).toBeDefined();
  for (const table of ['instances', 'connections', 'routes']) expect(await count(table, server)).toBe(0);
});

it('an instance that is replaced under load costs no message', async () => {
  const readers = ['ann', 'ben'].map((user, n) =>
    cluster.keep(new RoamingReader([leaving, staying], { user, deviceId: 'phone' }, n)),
  );
  for (const user of ['ann', 'ben']) await staying.rest('PUT', `/v1/channels/group%3Acrew/members/${user}`);
  const publishers = [0, 1].map((first) =>
    cluster.keep(
      new SteadyPublisher({ servers: [leaving, staying], user: `author-${first}`, channel: 'group:crew', first }),
    ),
  );
  await until('all read', () => readers.every((reader) => reader.received.length > 100));
  expect(await leaving.end('SIGTERM')).toBe(0);
  const before = readers.map((reader) => reader.received.length);
  await until('all read on', () => readers.every((reader, n) => reader.received.length > (before[n] ?? 0) + 100));
  await Promise.all(publishers.map((publisher) => publisher.stop()));

  await expectDelivered('group:crew', publishers, readers);
  expect(readers[0]?.connections.length).toBeGreaterThan(1);
});
