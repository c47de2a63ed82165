import { Heartbeats, Lease, Peers, PollingNotifier, Registry } from '#connection-manager';
import { Database, type PoolName, type Statement } from '#database';
import { Cluster } from '../support/cluster.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** A tenth of the defaults: ten times as many writes as an instance makes. */
const BEAT_MS = 300;
const HEARTBEAT_MS = 3_000;
const PING_INTERVAL_MS = 1_000;
const MOST_WRITES_PER_SECOND = 0.5 * 10;

let test: TestDatabase;
let database: CountingDatabase;
let registry: Registry;
let heartbeats: Heartbeats;
const removed: string[] = [];

/** Counts the statements by which an instance says that it and its connections are alive. */
class CountingDatabase extends Database {
  readonly counts = { renew_lease: 0, write_heartbeats: 0 };

  override rows<Row>(pool: PoolName, statement: Statement<Row>, values: readonly unknown[] = []): Promise<Row[]> {
    const { name } = statement;
    if (name === 'renew_lease' || name === 'write_heartbeats') this.counts[name] += 1;
    return super.rows(pool, statement, values);
  }
}

beforeEach(async () => {
  test = await createTestDatabase();
  database = new CountingDatabase({ url: test.url, poolSize: 2, applicationName: 'beats', onError: () => undefined });
  registry = new Registry(database, 'here');
  heartbeats = new Heartbeats(database, registry, {
    everyMs: HEARTBEAT_MS,
    onError: (error) => {
      throw error;
    },
  });
  removed.length = 0;
});
afterEach(async () => {
  await heartbeats.stop();
  await database.close();
  await test.drop();
});

async function connect(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `c-${n}`);
  for (const connectionId of ids) {
    registry.addConnection({ connectionId, user: `u-${connectionId}`, deviceId: 'd', address: null, sessionId: 's' });
  }
  await registry.sync();
  return ids;
}

async function updates(table: string): Promise<{ all: number; hot: number }> {
  const [row] = await test.query<{ all: number; hot: number }>(
    `select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables
      where schemaname = 'trunkline' and relname = $1`,
    [table],
  );
  return row ?? { all: 0, hot: 0 };
}

async function ages(): Promise<number[]> {
  const rows = await test.query<{ age: number }>(
    'select extract(epoch from clock_timestamp() - last_heartbeat)::float8 as age from trunkline.connections',
  );
  return rows.map(({ age }) => age);
}

it.each([10, 5_000])('an instance with %i connections makes no more than a write every two seconds', async (count) => {
  const ids = await connect(count);
  const lease = new Lease(database, {
    instanceId: 'here',
    leaseMs: 2_000,
    beatMs: BEAT_MS,
    notifier: new PollingNotifier(),
    canLock: true,
    holdsLock: () => true,
    onRenewed: () => registry.writeLeftOver(),
    onLost: () => undefined,
    onError: () => undefined,
  });
  await lease.start();
  heartbeats.start();
  const startedAt = performance.now();
  const pings = setInterval(() => {
    for (const id of ids) heartbeats.note(id);
  }, PING_INTERVAL_MS);
  try {
    await until('two heartbeats were written', () => database.counts.write_heartbeats === 2, 20_000);
  } finally {
    clearInterval(pings);
    await lease.stop();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { renew_lease, write_heartbeats } = database.counts;
  expect(renew_lease).toBeGreaterThan(0);
  expect((renew_lease + write_heartbeats) / seconds).toBeLessThanOrEqual(MOST_WRITES_PER_SECOND);
});

it('a heartbeat of 5,000 connections is one statement, by the clock of the database, and leaves the indexes alone', async () => {
  const ids = await connect(5_000);
  for (let beat = 1; beat <= 3; beat++) {
    await test.query(
      `update trunkline.connections set last_heartbeat = last_heartbeat - interval '1 hour' where false`,
    );
    for (const id of ids) heartbeats.note(id);
    await heartbeats.write();
  }
  expect(database.counts.write_heartbeats).toBe(3);
  for (const age of await ages()) expect(age).toBeLessThan(5);
  const { all, hot } = await until('the statistics are there', async () => {
    const counted = await updates('connections');
    return counted.all >= 15_000 && counted;
  });
  expect(all).toBe(15_000);
  expect(hot / all).toBeGreaterThan(0.95);
});

it('nothing is written where nobody gave a sign of life', async () => {
  const [first] = await connect(3);
  heartbeats.note(first ?? '');
  await heartbeats.write();
  heartbeats.note('a connection that is gone');
  for (let round = 0; round < 5; round++) await heartbeats.write();
  expect(database.counts.write_heartbeats).toBe(1);
});

it('a living connection whose row was removed is written again by its next sign of life', async () => {
  const ids = await connect(3);
  await test.query(`delete from trunkline.connections where connection_id = 'c-1'`);
  for (const id of ids) heartbeats.note(id);
  await heartbeats.write();
  expect(await ages()).toHaveLength(3);
});

it('nobody is removed because the clock of the database was set forward', async () => {
  await connect(2);
  await test.query(`insert into trunkline.instances (instance_id, lease_expires_at) values ('here', 'infinity')`);
  await test.query(`update trunkline.connections set last_heartbeat = clock_timestamp() - interval '2 hours'`);
  const peers = new Peers(database, 'there', 20_000);
  expect(await peers.removeStale(2_000)).toBe(0);
  // The next signs of life are by the new clock, and who gave none is gone.
  heartbeats.note('c-1');
  await heartbeats.write();
  expect(await peers.removeStale(2_000)).toBe(1);
  expect(await ages()).toHaveLength(1);
});

it('connections without a sign of life for the timeout are removed, and no others', async () => {
  await connect(5);
  await test.query(`insert into trunkline.instances (instance_id, lease_expires_at) values ('here', 'infinity')`);
  await test.query(
    `update trunkline.connections set last_heartbeat = clock_timestamp() - interval '20 days'
      where connection_id in ('c-1', 'c-3')`,
  );
  const peers = new Peers(database, 'there', 20_000, (users) => removed.push(...users));
  expect(await peers.removeStale(19 * 86_400_000)).toBe(0); // PostgreSQL has not been up for as long: all signs may be old
  expect(await peers.removeStale(2_000)).toBe(2);
  expect(removed.toSorted()).toEqual(['u-c-1', 'u-c-3']);
  expect(await ages()).toHaveLength(3);
});

it('a server writes the pongs of its clients down', async () => {
  const cluster = new Cluster(test.url, {
    PING_INTERVAL_MS: String(PING_INTERVAL_MS),
    PING_TIMEOUT_MS: '1000',
    HEARTBEAT_MS: '500',
  });
  try {
    const server = await cluster.start();
    await cluster.connect(server, { user: 'ann' });
    const heard = await until('a pong is written', async () => {
      const rows = await test.query(
        `select from trunkline.connections where last_heartbeat > connected_at + interval '2 seconds'`,
      );
      return rows.length;
    });
    expect(heard).toBe(1);
  } finally {
    await cluster.end();
  }
});
