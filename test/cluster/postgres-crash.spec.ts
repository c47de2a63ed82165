import { Cluster } from '../support/cluster.js';
import { expectDelivered } from '../support/expect-delivered.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import { SteadyPublisher } from '../support/steady-publisher.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

/** What the README promises for the registry after any fault. */
const REGISTRY_MS = 5_000;
const USERS = ['ann', 'ben', 'cid', 'dee'];

let postgres: OwnPostgres;
let cluster: Cluster;
let here: Server;
let there: Server;
let readers: TestClient[];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  cluster = new Cluster(postgres.url, { PUBLISH_DEADLINE_MS: '1000' });
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
});
beforeEach(async () => {
  readers = await Promise.all(
    USERS.map((user, n) => cluster.connect(n % 2 ? there : here, { user, deviceId: 'phone' })),
  );
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await postgres.remove();
});

/** Whose connections the registry has on which instances, and whether hints find them; those of `users` alone, or all. */
async function registered(users: readonly string[] | null = null): Promise<string[]> {
  const rows = await postgres.query<{ line: string }>(
    `select user_id || ' on ' || instance_id || case when channel is null then ', without a route' else '' end as line
       from trunkline.connections
       join trunkline.instances using (instance_id)
       left join (select instance_id, channel, substr(channel, 6) as user_id from trunkline.routes) as r
            using (instance_id, user_id)
      where $1::text[] is null or user_id = any ($1) order by user_id`,
    [users],
  );
  return rows.map(({ line }) => line);
}

function connected(clients: readonly TestClient[]): string[] {
  return clients.map(({ ready }) => `${ready?.user} on ${ready?.instanceId}`);
}

async function isReady(server: Server): Promise<boolean> {
  return (await server.rest('GET', '/health/ready')).status === 200;
}

it('a crash of PostgreSQL under load loses nothing acknowledged, keeps sockets and order, and the registry comes back', async () => {
  for (const reader of readers) await reader.must('join', { channel: 'group:crew' });
  const publishers = [here, there].map((server, n) =>
    cluster.keep(new SteadyPublisher({ servers: [server], user: `author-${n}`, channel: 'group:crew' })),
  );
  const inbox = cluster.keep(new SteadyPublisher({ servers: [here], user: 'author-2', channel: 'user:ben' }));
  await until('all read', () => readers.every((reader) => reader.received.length > 100));

  await postgres.crash();
  const before = readers.map((reader) => reader.received.length);
  await postgres.startAgain();
  await until(
    'the registry has the readers again',
    async () => (await registered(USERS)).join() === connected(readers).join(),
    REGISTRY_MS,
  );
  await until('all read on', () => readers.every((reader, n) => reader.received.length > (before[n] ?? 0) + 100));
  await Promise.all([...publishers, inbox].map((publisher) => publisher.stop()));

  await expectDelivered('group:crew', publishers, readers);
  await expectDelivered('user:ben', [inbox], readers.slice(1, 2));
  for (const reader of readers) expect(reader.disconnectReason).toBeUndefined();
  await until(
    'the registry has the readers alone',
    async () => (await registered()).join() === connected(readers).join(),
  );
});

it('while PostgreSQL is away publishes are refused as retryable, readiness says so, and all heals by itself', async () => {
  const [ann, ben] = readers as [TestClient, TestClient];
  await postgres.shutDown();
  const refused = await ann.ask('publish', { channel: 'user:ben', type: 'note', data: 'refused' });
  expect(refused).toMatchObject({ ok: false, error: { retryable: true } });
  await until('it is not ready', async () => !(await isReady(here)));
  expect(await here.rest('GET', '/health/live')).toMatchObject({ status: 200 });

  await postgres.startAgain();
  await until('both are ready', async () => (await isReady(here)) && isReady(there));
  await ann.must('publish', { channel: 'user:ben', type: 'note', data: 'accepted' });
  await until('it came', () => ben.bodies('user:ben').includes('accepted'));
  expect(ben.bodies('user:ben').filter((body) => body === 'refused')).toEqual([]);
  expect(readers.map(({ disconnectReason }) => disconnectReason)).toEqual(USERS.map(() => undefined));
});

it('a client that left while PostgreSQL was away is no longer registered soon after its return', async () => {
  const [ann, ...others] = readers;
  const lines = here.lines.length;
  await postgres.shutDown();
  ann?.close();
  await until('the instance could not write it', () =>
    here.lines.slice(lines).some((line) => line.includes('registry not written')),
  );
  await postgres.startAgain();
  await until(
    'the registry has the others alone',
    async () => (await registered()).join() === connected(others).join(),
    REGISTRY_MS,
  );
});
