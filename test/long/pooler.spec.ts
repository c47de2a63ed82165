import { detectPooler } from '#database';
import { Cluster } from '../support/cluster.js';
import { healthOf } from '../support/health.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { PgBouncer } from '../support/pg-bouncer.js';
import { Server } from '../support/server.js';
import { createEmptyDatabase, createTestDatabase, makeHostile, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** What the README promises for lost hints. */
const PROMISED_MS = 2_000;
/** So long that only a hint can have brought what comes earlier. */
const RARELY = { POLL_MS: '60000' };

let database: TestDatabase;
let pooler: PgBouncer;
let cluster: Cluster;

beforeAll(async () => {
  database = await createTestDatabase();
  pooler = await PgBouncer.start(database.url);
});
afterEach(() => cluster?.end());
afterAll(async () => {
  await pooler?.stop();
  await database.drop();
});

it('tells a pooler from PostgreSQL itself, also while others use it', async () => {
  const [direct, pooled] = [database.url, pooler.urlOf(database.url)];
  expect(await detectPooler(direct)).toEqual({ isPooled: false, listenUrl: direct });
  const many = await Promise.all(Array.from({ length: 20 }, () => detectPooler(pooled)));
  for (const routes of many) expect(routes).toEqual({ isPooled: true, listenUrl: undefined });
  expect(await detectPooler(pooled, direct)).toEqual({ isPooled: true, listenUrl: direct });
  expect(await detectPooler(pooled, pooled)).toEqual({ isPooled: true, listenUrl: undefined });
});

describe('behind PgBouncer in transaction mode', () => {
  async function exchange(): Promise<void> {
    const [here, there] = await Promise.all([cluster.start(), cluster.start()]);
    const ann = await cluster.connect(here, { user: 'ann' });
    const bob = await cluster.connect(there, { user: 'bob' });
    await bob.must('join', { channel: 'group:pooled' });
    const before = bob.received.length;
    for (const channel of ['user:bob', 'group:pooled', 'broadcast']) {
      await ann.must('publish', { channel, type: 'note', data: 'found' });
      await until(`bob got it from ${channel}`, () => bob.bodies(channel).includes('found'), PROMISED_MS);
    }
    // Many at once take many backends: a statement prepared on one of them would be missing on the next.
    const publishes = Array.from({ length: 200 }, (_, n) =>
      ann.must('publish', { channel: `user:bob`, type: 'count', data: n }),
    );
    await Promise.all(publishes);
    await until('bob got all', () => bob.received.length === before + 203);
    const { body } = await here.rest('GET', '/v1/users/bob/connections');
    expect(body).toMatchObject({ ok: true, connections: [{ instanceId: there.instanceId }] });
    for (const { lines } of [here, there]) {
      const complaints = lines.filter((line) => /"level":[45]0/.test(line));
      expect(complaints.filter((line) => !line.includes('the database is behind a pooler'))).toEqual([]);
    }
  }

  it('with DATABASE_DIRECT_URL messages go from instance to instance by hints', async () => {
    cluster = new Cluster(pooler.urlOf(database.url), { DATABASE_DIRECT_URL: database.url, ...RARELY });
    await exchange();
    const server = await cluster.start();
    const { status, details } = await healthOf(server);
    expect([status, details['listener']]).toEqual([200, { status: 'up', mode: 'listening' }]);
    expect(await database.query('select from trunkline.instances where lock_key is null')).toEqual([]);
  });

  it('without it they are found by polling, and health says so and is not red', async () => {
    cluster = new Cluster(pooler.urlOf(database.url));
    await exchange();
    const server = await cluster.start();
    const { status, details } = await healthOf(server);
    expect([status, details['listener']]).toEqual([200, { status: 'up', mode: 'polling' }]);
    expect(await database.query('select from trunkline.instances where lock_key is not null')).toEqual([]);
  });

  it('without it an instance that was killed is given up when its lease ends', async () => {
    cluster = new Cluster(pooler.urlOf(database.url), { LEASE_MS: '2000', BEAT_MS: '500' });
    const [here, doomed] = await Promise.all([cluster.start(), cluster.start()]);
    await cluster.connect(doomed, { user: 'cid' });
    const connections = async (): Promise<unknown[]> => {
      const { body } = await here.rest('GET', '/v1/users/cid/connections');
      return (body as { connections: unknown[] }).connections;
    };
    await until('cid is listed', async () => (await connections()).length === 1);
    await doomed.end('SIGKILL');
    await until('cid is gone', async () => (await connections()).length === 0);
  });

  it('without it an INSTANCE_ID is refused while another process renews its lease, and free once that has ended', async () => {
    const env = { INSTANCE_ID: 'pooled', LEASE_MS: '2000', BEAT_MS: '500' };
    cluster = new Cluster(pooler.urlOf(database.url), env);
    const first = await cluster.start();
    await expect(cluster.start()).rejects.toThrow('INSTANCE_ID pooled belongs to an instance that is alive');
    expect(await healthOf(first, '/ready')).toMatchObject({ status: 200 });
    await first.end('SIGKILL');
    expect(await cluster.start()).toMatchObject({ instanceId: 'pooled' });
  });

  it('the session is as we need it where a pooler can keep that, and a setting that it cannot keep is refused by name', async () => {
    const other = await createTestDatabase();
    try {
      await makeHostile(other.url, 'how values are written');
      await other.query(`alter database ${new URL(other.url).pathname.slice(1)} set extra_float_digits = 1`);
      cluster = new Cluster(pooler.urlOf(other.url));
      await exchange();
      await cluster.end();
      await other.query(
        `alter database ${new URL(other.url).pathname.slice(1)} set default_transaction_isolation = serializable`,
      );
      // Those that the pooler keeps open have the settings of their beginning.
      await other.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await expect(cluster.start()).rejects.toThrow(
        /not started: role or database set .*default_transaction_isolation=serializable.* docs\/operations\.md, "Behind a pooler"/,
      );
    } finally {
      await cluster.end();
      await other.drop();
    }
  }, 120_000);

  it('instances that start at once on an empty database migrate it, one of them', async () => {
    const empty = await createEmptyDatabase();
    try {
      cluster = new Cluster(pooler.urlOf(empty.url));
      const servers = await Promise.all([cluster.start(), cluster.start(), cluster.start()]);
      for (const server of servers) expect(await healthOf(server, '/ready')).toMatchObject({ status: 200 });
      const held = `select from pg_locks where locktype = 'advisory' and classid = 0 or objid = 7255`;
      expect(await empty.query(held)).toEqual([]);
    } finally {
      await cluster.end();
      await empty.drop();
    }
  });

  it('readiness turns red when PostgreSQL behind it stops, and green when it is back', async () => {
    const postgres = await OwnPostgres.start();
    const own = await PgBouncer.start(postgres.url);
    const server = await Server.start(own.urlOf(postgres.url));
    try {
      await postgres.shutDown();
      await until('not ready', async () => (await healthOf(server, '/ready')).status === 503);
      const publish = () => server.rest('POST', '/v1/messages', { channel: 'user:a', type: 't', data: 1 });
      expect(await publish()).toMatchObject({ status: 503, body: { error: { retryable: true } } });
      await postgres.startAgain();
      await until('ready', async () => (await healthOf(server, '/ready')).status === 200, 30_000);
      await until('it takes publishes', async () => (await publish()).status === 200);
    } finally {
      await server.end('SIGKILL');
      await own.stop();
      await postgres.remove();
    }
  });
});
