import { Client } from 'pg';
import { io } from 'socket.io-client';
import { healthQueries, LOG_STATEMENTS } from '../lifecycle/fixtures/health-queries.js';
import { ProbeHail, statusOf } from '../lifecycle/fixtures/probe-hail.js';
import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { FlakyLink } from '../support/flaky-link.js';
import { healthOf } from '../support/health.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const EVERYTHING = [
  ...['database', 'eventLoop', 'instance', 'jobs', 'lease', 'listener', 'notifications', 'partitions', 'pools'],
  ...['schema', 'undelivered'],
];

describe('health', () => {
  let test: TestDatabase;
  let link: FlakyLink;
  let server: Server;

  beforeAll(async () => {
    test = await createTestDatabase();
    link = await FlakyLink.start(test.url);
    server = await Server.start(link.url);
  });
  afterAll(async () => {
    try {
      await server?.end('SIGKILL');
    } finally {
      await link?.stop();
      await test?.drop();
    }
  });

  it('tells a stranger how each part is, and nothing else', async () => {
    await until('all is well', async () => (await healthOf(server)).up.length === EVERYTHING.length);
    expect(await healthOf(server)).toMatchObject({ status: 200, up: EVERYTHING, down: [] });
    expect(await healthOf(server, '/live')).toMatchObject({ status: 200, up: ['eventLoop'], down: [] });
    expect(await healthOf(server, '/ready')).toMatchObject({ status: 200, up: ['database', 'instance', 'lease'] });
    expect(await healthOf(server, '/startup')).toMatchObject({ status: 200, up: ['startup'], down: [] });
    const { body } = await server.rest('GET', '/health', undefined, null);
    expect(JSON.stringify(body)).not.toMatch(/postgres|127\.0\.0\.1|version|select|trunkline/i);
  });

  it('turns red when a table of ours is missing, though PostgreSQL answers', async () => {
    const other = await createTestDatabase();
    const incomplete = await Server.start(other.url);
    try {
      await other.query('alter table trunkline.outbox rename to outbox_away');
      const red = await until('it is noticed', async () => {
        const found = await healthOf(incomplete);
        return found.down.includes('schema') && found;
      });
      expect(red).toMatchObject({
        status: 503,
        details: { database: { status: 'up' }, schema: { state: 'incomplete' } },
      });
    } finally {
      await incomplete.end('SIGKILL');
      await other.drop();
    }
  }, 60_000);

  it('turns red while the database is out of reach, but for a restart there is no reason; then it heals', async () => {
    link.cut();
    const ready = await until('not ready', async () => {
      const found = await healthOf(server, '/ready');
      return found.status === 503 && found;
    });
    expect(ready).toMatchObject({ down: ['database'], details: { database: { status: 'down' } } });
    expect(JSON.stringify(ready)).not.toMatch(/ECONN|terminat|127\.0\.0\.1|postgres/i);
    expect(await healthOf(server, '/live')).toMatchObject({ status: 200 });
    expect(await healthOf(server, '/startup')).toMatchObject({ status: 200 });
    const refused = await server.rest('POST', '/v1/messages', { channel: 'user:a', type: 't', data: 1 });
    expect(refused).toMatchObject({ status: 503, body: { ok: false, error: { retryable: true } } });
    link.mend();
    await until('healthy again', async () => (await healthOf(server)).status === 200, 30_000);
    expect((await server.rest('POST', '/v1/messages', { channel: 'user:a', type: 't', data: 1 })).status).toBe(200);
  });

  it('turns red when the database falls silent with its connections open', async () => {
    link.freeze();
    await until('not ready', async () => (await healthOf(server, '/ready')).status === 503, 5_000);
    expect(await healthOf(server, '/live')).toMatchObject({ status: 200 });
    link.cut();
    link.mend();
    await until('ready again', async () => (await healthOf(server, '/ready')).status === 200, 30_000);
  });
});

it('a thousand probes cost the database about a query a second', async () => {
  const postgres = await OwnPostgres.start(LOG_STATEMENTS);
  const server = await Server.start(postgres.url);
  try {
    expect(await healthQueries(postgres)).toBe(0); // nobody asked yet
    const startedAt = performance.now();
    await new ProbeHail(server.url, ['/health', '/health/ready']).run(10_000, 0.1);
    const seconds = (performance.now() - startedAt) / 1_000;
    // One a second, and at the first /health three more, or four where somebody is connected.
    const queries = await healthQueries(postgres);
    expect(queries).toBeGreaterThanOrEqual(4);
    expect(queries).toBeLessThanOrEqual(6 + seconds * 1.4);
  } finally {
    await server.end('SIGKILL');
    await postgres.remove();
  }
});

it('while it starts, an instance is alive and neither started nor ready, and takes nobody in', async () => {
  const database = await createTestDatabase();
  const blocker = new Client({ connectionString: database.url });
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await blocker.connect();
  let starting: Promise<Server> | undefined;
  try {
    await blocker.query('select pg_advisory_lock(7255361001)'); // as a long migration holds it
    starting = Server.start(database.url, { PORT: String(port) });
    starting.catch(() => undefined); // awaited below
    await until('it listens', async () => (await statusOf(`${url}/health/live`)) === 200, 30_000);
    expect(await statusOf(`${url}/health/startup`)).toBe(503);
    const ready = (await (await fetch(`${url}/health/ready`)).json()) as object;
    expect(ready).toMatchObject({ status: 'error', details: { instance: { status: 'down', state: 'starting' } } });
    const refused = await fetch(`${url}/v1/messages`, { method: 'POST' });
    expect([refused.status, await refused.json()]).toMatchObject([503, { ok: false, error: { retryable: true } }]);
    const socket = io(url, { transports: ['websocket'], reconnection: false });
    const failure = await new Promise((resolve) => socket.on('connect_error', resolve));
    expect(failure).not.toHaveProperty('data'); // not in the words of the protocol: a load balancer passes it on
    socket.close();
    await blocker.query('select pg_advisory_unlock(7255361001)');
    await starting;
    for (const path of ['/startup', '/ready', '/live', '']) expect(await statusOf(`${url}/health${path}`)).toBe(200);
  } finally {
    await blocker.end();
    await starting?.then((server) => server.end('SIGKILL')).catch(() => undefined);
    await database.drop();
  }
});
