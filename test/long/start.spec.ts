import { Client } from 'pg';
import { LOCK_CLASS, lockKeyOf } from '#connection-manager';
import { Cluster } from '../support/cluster.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let cluster: Cluster;

async function on(opened: Promise<TestDatabase>): Promise<void> {
  database = await opened;
  cluster = new Cluster(database.url);
}

afterEach(async () => {
  await cluster.end();
  await database.drop();
});

it('ten instances started at once on an empty database all serve', async () => {
  await on(createEmptyDatabase());
  const servers = await Promise.all(Array.from({ length: 10 }, () => cluster.start()));
  for (const server of servers) expect(await server.rest('GET', '/health/ready')).toMatchObject({ status: 200 });
  expect(new Set(servers.map(({ instanceId }) => instanceId)).size).toBe(10);

  const clients = await Promise.all(
    servers.map((server, n) => cluster.connect(server, { user: 'ann', deviceId: `device-${n}` })),
  );
  for (const client of clients) await client.must('publish', { channel: 'user:ann', type: 'note', data: 'hello' });
  for (const client of clients) {
    await until('it heard from every instance', () => client.received.length === 10);
    expect(client.raw.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }
}, 120_000);

describe('an INSTANCE_ID', () => {
  beforeEach(() => on(createTestDatabase()));

  it('of a living instance is refused to another process, with a message that says so', async () => {
    const first = await cluster.start({ INSTANCE_ID: 'alpha' });
    const ann = await cluster.connect(first, { user: 'ann' });
    await expect(cluster.start({ INSTANCE_ID: 'alpha' })).rejects.toThrow(
      /ended with 1:[^]*INSTANCE_ID alpha belongs to an instance that is alive; give each process its own, or none/,
    );
    expect(ann.disconnectReason).toBeUndefined();
    expect(await first.rest('GET', '/health/ready')).toMatchObject({ status: 200 });
  });

  it('of a killed instance can be used again at once', async () => {
    const first = await cluster.start({ INSTANCE_ID: 'beta' });
    const before = await cluster.connect(first, { user: 'ann' });
    await first.end('SIGKILL');
    const second = await cluster.start({ INSTANCE_ID: 'beta' });
    const ann = await cluster.connect(second, { user: 'ann' });
    const connections = (): Promise<{ connection_id: string }[]> =>
      database.query('select connection_id from trunkline.connections');
    expect(before.ready?.connectionId).not.toBe(ann.ready?.connectionId);
    await until('only the new connection is listed', async () => {
      const ids = (await connections()).map(({ connection_id }) => connection_id);
      return ids.length === 1 && ids[0] === ann.ready?.connectionId;
    });
  });

  it('of a process that is just dying is waited for', async () => {
    const dying = new Client({ connectionString: database.url });
    await dying.connect();
    try {
      await dying.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS, lockKeyOf('delta')]);
      const starting = cluster.start({ INSTANCE_ID: 'delta' });
      const looks = new Set<string>();
      await until('it has looked at its id twice', async () => {
        const { rows } = await dying.query<{ at: string }>(
          `select query_start::text as at from pg_stat_activity
            where application_name = 'trunkline delta' and query like '%pg_locks%'`,
        );
        for (const { at } of rows) looks.add(at);
        return looks.size > 1;
      });
      await dying.query('select pg_advisory_unlock($1, $2)', [LOCK_CLASS, lockKeyOf('delta')]);
      expect(await starting).toMatchObject({ instanceId: 'delta' });
    } finally {
      await dying.end();
    }
  });

  it('given to two processes that start at once lets one of them serve', async () => {
    const starts = await Promise.allSettled([
      cluster.start({ INSTANCE_ID: 'gamma' }),
      cluster.start({ INSTANCE_ID: 'gamma' }),
    ]);
    expect(starts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});
