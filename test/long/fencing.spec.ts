import { Cluster } from '../support/cluster.js';
import { FlakyLink } from '../support/flaky-link.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const FENCED_MS = 5_000;
/** A job's statement may take so long, and the job hangs as long on a connection that has become silent. */
const JOB_STATEMENT_MS = 30_000;
const SHORT_LEASE = { LEASE_MS: '2000', BEAT_MS: '300' };

interface Serving {
  readonly instanceId: string;
  readonly url: string;
}

/** Every identity the process has served under, in order. */
function servings({ lines }: Server): Serving[] {
  return lines.filter((line) => line.includes('"msg":"serving"')).map((line) => JSON.parse(line) as Serving);
}

describe('an instance that was stopped', () => {
  let database: TestDatabase;
  let cluster: Cluster;

  beforeEach(async () => {
    database = await createTestDatabase();
    cluster = new Cluster(database.url, SHORT_LEASE);
  });
  afterEach(async () => {
    await cluster.end();
    await database.drop();
  });

  async function rowsOf(instanceId: string): Promise<number> {
    const [row] = await database.query<{ count: number }>(
      `select (select count(*) from trunkline.instances where instance_id = $1)::int
            + (select count(*) from trunkline.connections where instance_id = $1)::int
            + (select count(*) from trunkline.routes where instance_id = $1)::int as count`,
      [instanceId],
    );
    return row?.count ?? 0;
  }

  /** Stops it until the peer has given it up, with a message stored for its client meanwhile. */
  async function stopUntilEvicted(stopped: Server, peer: Server, user: string): Promise<void> {
    stopped.process.kill('SIGSTOP');
    await until('it is given up', async () => (await rowsOf(stopped.instanceId)) === 0);
    await peer.rest('POST', '/v1/messages', { channel: `user:${user}`, type: 'note', data: 'meanwhile' });
    stopped.process.kill('SIGCONT');
  }

  it('and given up sends nothing more, closes its sockets, and goes on under a new id', async () => {
    const [stopped, peer] = await Promise.all([cluster.start(), cluster.start()]);
    const ann = await cluster.connect(stopped, { user: 'ann', deviceId: 'phone' });
    await stopUntilEvicted(stopped, peer, 'ann');
    await until('its socket is closed', () => ann.disconnectReason, FENCED_MS);
    expect(ann.raw).toEqual([]);

    const [, next] = await until('it serves again', () => servings(stopped).length === 2 && servings(stopped));
    expect(next?.url).toBe(stopped.url);
    expect(next?.instanceId).not.toBe(stopped.instanceId);
    const back = await cluster.connect(stopped, { user: 'ann', deviceId: 'phone' });
    expect(back.ready?.instanceId).toBe(next?.instanceId);
    await until('the message came', () => back.bodies('user:ann').includes('meanwhile'));
    expect(await rowsOf(stopped.instanceId)).toBe(0);
    expect(await stopped.end('SIGTERM')).toBe(0);
  });

  it('and given up takes its INSTANCE_ID again', async () => {
    const [stopped, peer] = await Promise.all([cluster.start({ INSTANCE_ID: 'alpha' }), cluster.start()]);
    await cluster.connect(stopped, { user: 'ann' });
    await stopUntilEvicted(stopped, peer, 'ann');
    await until('it serves again', () => servings(stopped).length === 2);
    expect(servings(stopped).map(({ instanceId }) => instanceId)).toEqual(['alpha', 'alpha']);
    const connections = await database.query('select from trunkline.connections');
    expect(connections).toHaveLength(0);
  });

  it('for less than its lease keeps its sockets and its id', async () => {
    const [stopped, peer] = await Promise.all([cluster.start({ LEASE_MS: '20000' }), cluster.start()]);
    const ann = await cluster.connect(stopped, { user: 'ann' });
    const looks = async (): Promise<number> => {
      const [row] = await database.query<{ calls: string }>(
        `select sum(xact_commit) as calls from pg_stat_database where datname = current_database()`,
      );
      return Number(row?.calls);
    };
    const before = await looks();
    stopped.process.kill('SIGSTOP');
    // Statistics are written about once a second: the peer has looked for the dead several times by then.
    await until('the peer has been at work', async () => (await looks()) > before + 60);
    stopped.process.kill('SIGCONT');
    await peer.rest('POST', '/v1/messages', { channel: 'user:ann', type: 'note', data: 'hello' });
    await until('it came', () => ann.received.length === 1);
    expect(servings(stopped)).toHaveLength(1);
    expect(ann.disconnectReason).toBeUndefined();
  });

  it('because its connections to the database have become silent is back under a new id before its jobs have noticed', async () => {
    const link = await FlakyLink.start(database.url);
    const behindIt = new Cluster(link.url, SHORT_LEASE);
    try {
      const [silent] = await Promise.all([behindIt.start(), cluster.start()]);
      const startedAt = performance.now();
      link.freeze();
      link.mend(); // new connections work
      await until('it serves again', () => servings(silent).length === 2, JOB_STATEMENT_MS);
      expect(performance.now() - startedAt).toBeLessThan(JOB_STATEMENT_MS);
    } finally {
      await behindIt.end();
      await link.stop();
    }
  });

  it('whose id another process has taken meanwhile leaves the rows of that one alone', async () => {
    const first = await cluster.start({ INSTANCE_ID: 'beta' });
    await database.query(
      `update trunkline.instances set incarnation = gen_random_uuid(), lock_key = null,
              lease_expires_at = clock_timestamp() + interval '1 hour'`,
    );
    await until('it has fenced itself', () => servings(first).length === 2 || !first.isRunning);
    // It holds the lock, so the id is its own, and what stood there was left of nobody.
    expect(servings(first).map(({ instanceId }) => instanceId)).toEqual(['beta', 'beta']);
  });
});

it('a crash of a backend, which empties the registry while PostgreSQL goes on, is no eviction', async () => {
  const postgres = await OwnPostgres.start();
  const cluster = new Cluster(postgres.url, SHORT_LEASE);
  try {
    const server = await cluster.start();
    const ann = await cluster.connect(server, { user: 'ann' });
    const [before] = await postgres.query<{ pid: number; at: Date }>(
      'select pg_backend_pid() as pid, pg_postmaster_start_time() as at',
    );
    const [victim] = await postgres.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'trunkline ' || $1 limit 1`,
      [server.instanceId],
    );
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await until('the registry is back', async () => {
      const rows = await postgres
        .query<{ instance_id: string }>(
          'select instance_id from trunkline.connections join trunkline.instances using (instance_id)',
        )
        .catch(() => []);
      return rows.length === 1 && rows[0]?.instance_id === server.instanceId;
    });
    const [after] = await postgres.query<{ at: Date }>('select pg_postmaster_start_time() as at');
    expect(after?.at).toEqual(before?.at);
    expect(servings(server)).toHaveLength(1);
    expect(ann.disconnectReason).toBeUndefined();
  } finally {
    await cluster.end();
    await postgres.remove();
  }
});
