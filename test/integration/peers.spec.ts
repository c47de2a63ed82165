import { Client } from 'pg';
import { LOCK_CLASS, lockKeyOf, Peers, Registry } from '#connection-manager';
import { Database } from '#database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const LEASE_MS = 20_000;
/** Longer than the time a lost LISTEN connection is given to come back. */
const SUSPICION_OVER_MS = 2_000;

let test: TestDatabase;
let database: Database;
let clients: Client[];

beforeEach(async () => {
  clients = [];
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 2, applicationName: 'peers-spec', onError: () => undefined });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.close();
  await test.drop();
});

describe('removing the dead', () => {
  it('removes an instance whose lock is gone, with all it registered, and spares those alive', async () => {
    await register('dead', { lock: 'gone' });
    await register('alive', { lock: 'held' });
    const peers = peersOf('here');
    expect(await peers.removeDead(0)).toEqual([]);
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual(['dead']);
    expect(await registered()).toEqual({ instances: ['alive'], connections: ['alive'], routes: ['alive'] });
    expect(await peers.removeDead(SUSPICION_OVER_MS * 2)).toEqual([]);
  });

  it('spares one that takes its lock again before the suspicion is old', async () => {
    await register('slow', { lock: 'gone' });
    const peers = peersOf('here');
    expect(await peers.removeDead(0)).toEqual([]);
    await hold('slow');
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual([]);
    await clients.pop()?.end();
    await until('the lock is free', async () => (await locks()) === 0);
    // a new suspicion begins
    expect(await peers.removeDead(SUSPICION_OVER_MS + 1)).toEqual([]);
    expect(await peers.removeDead(SUSPICION_OVER_MS * 2 + 2)).toEqual(['slow']);
  });

  it('forgets a suspicion when a look fails: after an outage each has its time to take its lock again', async () => {
    await register('slow', { lock: 'gone' });
    const peers = peersOf('here');
    expect(await peers.removeDead(0)).toEqual([]);
    await test.query('alter table trunkline.instances rename to out_of_reach');
    await expect(peers.removeDead(1_000)).rejects.toThrow('does not exist');
    await test.query('alter table trunkline.out_of_reach rename to instances');
    // a new suspicion begins
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual([]);
    expect(await peers.removeDead(SUSPICION_OVER_MS * 2)).toEqual(['slow']);
  });

  it('goes by the lease of one that holds no lock', async () => {
    await register('current', { lock: 'none' });
    await register('expired', { lock: 'none', leaseMs: -1 });
    const peers = new Peers(database, 'here', 1);
    expect(await peers.removeDead(0)).toEqual([]);
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual(['expired']);
  });

  it('gives up nobody for a lease that ended because the clock of the database was set forward', async () => {
    await register('alive', { lock: 'held', leaseMs: -7_200_000 });
    const peers = new Peers(database, 'here', 9_000);
    expect(await peers.removeDead(0)).toEqual([]);
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual([]);
    await test.query(`update trunkline.instances set lease_expires_at = clock_timestamp() + interval '9 s'`);
    expect(await peers.removeDead(4_000)).toEqual([]);
    // And one that does not beat any more is given up, though its process is there.
    await test.query(`update trunkline.instances set lease_expires_at = clock_timestamp() - interval '1 s'`);
    expect(await peers.removeDead(5_000)).toEqual([]);
    expect(await peers.removeDead(7_900)).toEqual([]);
    expect(await peers.removeDead(8_000)).toEqual(['alive']);
  });

  it('believes no lease while PostgreSQL itself has not been up for as long: after an outage all are old', async () => {
    await register('expired', { lock: 'none', leaseMs: -1 });
    const peers = new Peers(database, 'here', 3_600_000);
    await peers.removeDead(0);
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual([]);
  });

  it('never removes itself', async () => {
    await register('here', { lock: 'gone' });
    const peers = peersOf('here');
    await peers.removeDead(0);
    expect(await peers.removeDead(SUSPICION_OVER_MS)).toEqual([]);
  });

  it('is done by one of several who find the same dead at once', async () => {
    await register('dead', { lock: 'gone' });
    const finders = ['a', 'b', 'c', 'd'].map(peersOf);
    await Promise.all(finders.map((peers) => peers.removeDead(0)));
    const removed = await Promise.all(finders.map((peers) => peers.removeDead(SUSPICION_OVER_MS)));
    expect(removed.flat()).toEqual(['dead']);
  });

  it('sweeps up rows of instances that are not registered', async () => {
    await register('alive', { lock: 'held' });
    await register('forgotten', { lock: 'none' });
    await test.query(`delete from trunkline.instances where instance_id = 'forgotten'`);
    expect(await peersOf('here').removeOrphans()).toBe(2);
    expect(await registered()).toEqual({ instances: ['alive'], connections: ['alive'], routes: ['alive'] });
  });
});

function peersOf(instanceId: string): Peers {
  return new Peers(database, instanceId, LEASE_MS);
}

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: test.url });
  await client.connect();
  clients.push(client);
  return client;
}

/** An instance with a connection and a route; `gone`: it held a lock, and does no more. */
async function register(
  id: string,
  { lock, leaseMs = LEASE_MS }: { lock: 'held' | 'gone' | 'none'; leaseMs?: number },
) {
  await test.query(
    `insert into trunkline.instances (instance_id, lease_expires_at, lock_key)
     values ($1, clock_timestamp() + $2 * interval '1 millisecond', $3)`,
    [id, leaseMs, lock === 'none' ? null : lockKeyOf(id)],
  );
  const registry = new Registry(database, id);
  registry.addConnection({ connectionId: `c-${id}`, user: 'ada', deviceId: 'd', address: null, sessionId: 'device:d' });
  registry.openRoute('user:ada');
  await registry.sync();
  if (lock === 'held') await hold(id);
}

async function hold(instanceId: string): Promise<void> {
  const client = await connect();
  await client.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS, lockKeyOf(instanceId)]);
}

async function locks(): Promise<number> {
  const rows = await test.query(
    `select from pg_locks where locktype = 'advisory' and classid = $1
        and database = (select oid from pg_database where datname = current_database())`,
    [LOCK_CLASS],
  );
  return rows.length;
}

async function registered(): Promise<Record<string, unknown[]>> {
  const idsIn = async (table: string): Promise<unknown[]> => {
    const rows = await test.query(`select instance_id from trunkline.${table} order by 1`);
    return rows.map(({ instance_id }) => instance_id);
  };
  return {
    instances: await idsIn('instances'),
    connections: await idsIn('connections'),
    routes: await idsIn('routes'),
  };
}
