import { randomBytes } from 'node:crypto';
import { expectDelivered } from '../support/expect-delivered.js';
import type { Server } from '../support/server.js';
import { SteadyPublisher } from '../support/steady-publisher.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

/** What the README promises for lost hints. */
const PROMISED_MS = 2_000;

// Polling once a minute: what arrives, a hint or the reading after the new LISTEN has brought.
const { database, cluster, here, there } = await twoInstances({ POLL_MS: '60000' });

/** The session that listens and holds the instance's lock. */
async function listenerOf({ instanceId }: Server): Promise<number | undefined> {
  const [row] = await database.query<{ pid: number }>(
    `select l.pid from pg_locks l join trunkline.instances i on l.objid = i.lock_key::oid
      where l.locktype = 'advisory' and l.classid = 7255 and l.granted and i.instance_id = $1`,
    [instanceId],
  );
  return row?.pid;
}

async function registeredSince({ instanceId }: Server): Promise<Date | undefined> {
  const [row] = await database.query<{ started_at: Date }>(
    'select started_at from trunkline.instances where instance_id = $1',
    [instanceId],
  );
  return row?.started_at;
}

async function isListenerUp(server: Server): Promise<boolean> {
  const { body } = await server.rest('GET', '/health');
  return (body as { details: { listener: { status: string } } }).details.listener.status === 'up';
}

async function terminateListener(server: Server): Promise<number> {
  const pid = await until('it listens', () => listenerOf(server));
  await database.query('select pg_terminate_backend($1)', [pid]);
  return pid;
}

it('goes on delivering while its LISTEN connection is terminated again and again, and listens anew', async () => {
  const since = await registeredSince(there);
  const bob = await cluster.connect(there, { user: 'bob' });
  const publisher = cluster.keep(new SteadyPublisher({ servers: [here], user: 'ann', channel: 'user:bob' }));
  for (let round = 1; round <= 5; round++) {
    const pid = await terminateListener(there);
    const before = publisher.acknowledged.length;
    await until('it listens anew', async () => {
      const now = await listenerOf(there);
      return now !== undefined && now !== pid;
    });
    await until('messages went on', () => bob.received.length > before);
  }
  await publisher.stop();

  await expectDelivered('user:bob', [publisher], [bob]);
  expect(bob.raw).toHaveLength(bob.received.length);
  expect(bob.disconnectReason).toBeUndefined();
  await until('health says so', () => isListenerUp(there));
  expect(await registeredSince(there)).toEqual(since);
});

it('reads what it could not hear as soon as it listens again', async () => {
  const bob = await cluster.connect(there, { user: 'bob' });
  const quiet = await cluster.connect(there, { user: 'quiet' });
  for (let round = 1; round <= 3; round++) {
    await terminateListener(there);
    const { body } = await here.rest('POST', '/v1/messages', { channel: 'user:quiet', type: 'note', data: round });
    expect(body).toMatchObject({ ok: true });
    await until('it came', () => quiet.bodies('user:quiet').includes(round));
  }
  expect(quiet.bodies('user:quiet')).toEqual([1, 2, 3]);
  expect(bob.disconnectReason).toBeUndefined();
});

it('is not taken for dead while it reconnects', async () => {
  const since = await registeredSince(there);
  const ben = await cluster.connect(there, { user: 'ben' });
  const pid = await terminateListener(there);
  await until('it holds its lock again', async () => ![undefined, pid].includes(await listenerOf(there)));
  const { body } = await here.rest('GET', '/v1/users/ben/connections');
  expect(body).toMatchObject({
    connections: [{ instanceId: there.instanceId, connectionId: ben.ready?.connectionId }],
  });
  expect(await registeredSince(there)).toEqual(since);
  expect(here.lines.filter((line) => line.includes('removed dead instances'))).toEqual([]);
});

it('polls while it cannot listen at all, is not taken for dead, and listens as soon as it can', async () => {
  const role = `listener_${randomBytes(4).toString('hex')}`;
  await database.query(`create role ${role} superuser login password 'secret'`);
  const address = new URL(database.url);
  [address.username, address.password] = [role, 'secret'];
  // The beat alone would come too late to tell the peers that the missing lock means nothing.
  const deaf = await cluster.start({ DATABASE_DIRECT_URL: address.href, BEAT_MS: '6000' });
  try {
    const since = await registeredSince(deaf);
    const eva = await cluster.connect(deaf, { user: 'eva' });
    await database.query(`alter role ${role} nologin`);
    await terminateListener(deaf);
    // Long enough for the peers to lose patience.
    for (let n = 1; n <= 15; n++) {
      await here.rest('POST', '/v1/messages', { channel: 'user:eva', type: 'count', data: n });
      await until('the poll found it', () => eva.bodies('user:eva').includes(n), PROMISED_MS);
    }
    expect(await isListenerUp(deaf)).toBe(false);
    expect(await registeredSince(deaf)).toEqual(since);

    await database.query(`alter role ${role} login`);
    await until('it listens', () => isListenerUp(deaf));
    expect(await registeredSince(deaf)).toEqual(since);
    expect(eva.raw).toHaveLength(15);
  } finally {
    await deaf.end('SIGKILL');
    await database.query(`drop role ${role}`);
  }
});
