import { Cluster } from '../support/cluster.js';
import { expectDelivered } from '../support/expect-delivered.js';
import { RoamingReader } from '../support/roaming-reader.js';
import type { Server } from '../support/server.js';
import { SteadyPublisher } from '../support/steady-publisher.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** What the README promises for the registry after a kill. */
const NO_GHOSTS_MS = 5_000;

let database: TestDatabase;
let cluster: Cluster;
let servers: Server[];
let doomed: Server;
let survivor: Server;

beforeEach(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  servers = await Promise.all([cluster.start(), cluster.start()]);
  [doomed, survivor] = servers as [Server, Server];
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

async function rowsOf({ instanceId }: Server): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select (select count(*) from trunkline.instances where instance_id = $1)::int
          + (select count(*) from trunkline.connections where instance_id = $1)::int
          + (select count(*) from trunkline.routes where instance_id = $1)::int as count`,
    [instanceId],
  );
  return row?.count ?? 0;
}

it('kill -9 in the middle of delivery loses nothing, repeats nothing after dedupe, and keeps the order', async () => {
  const users = ['ann', 'ben', 'cid', 'dee'];
  const readers = users.map((user, n) => cluster.keep(new RoamingReader(servers, { user, deviceId: 'phone' }, n % 2)));
  for (const user of users) await survivor.rest('PUT', `/v1/channels/group%3Acrew/members/${user}`);
  // One through each instance into the group, and one into an inbox.
  const pat = cluster.keep(new SteadyPublisher({ servers, user: 'pat', channel: 'group:crew', first: 0 }));
  const quin = cluster.keep(new SteadyPublisher({ servers, user: 'quin', channel: 'group:crew', first: 1 }));
  const ria = cluster.keep(new SteadyPublisher({ servers, user: 'ria', channel: 'user:ann', first: 0 }));
  await until('all read', () => readers.every((reader) => reader.received.length > 100));

  await doomed.end('SIGKILL');
  const before = readers.map((reader) => reader.received.length);
  await until('the dead instance is forgotten', async () => (await rowsOf(doomed)) === 0, NO_GHOSTS_MS);
  await until('all read on', () => readers.every((reader, n) => reader.received.length > (before[n] ?? 0) + 100));
  await Promise.all([pat, quin, ria].map((publisher) => publisher.stop()));

  await expectDelivered('group:crew', [pat, quin], readers);
  await expectDelivered('user:ann', [ria], readers.slice(0, 1));
  // Otherwise the kill hit nobody, and nothing was shown.
  expect(readers.map((reader) => reader.connections.length > 1)).toEqual([true, false, true, false]);
  expect(pat.failures).toBeGreaterThan(0);
});

it('a killed instance that nobody was connected to is forgotten as well', async () => {
  await doomed.end('SIGKILL');
  await until('it is forgotten', async () => (await rowsOf(doomed)) === 0, NO_GHOSTS_MS);
  expect(await rowsOf(survivor)).toBeGreaterThan(0);
});

it('the connections of a killed instance are no longer listed, those of the survivor are', async () => {
  await cluster.connect(doomed, { user: 'ann', deviceId: 'phone' });
  await cluster.connect(survivor, { user: 'ann', deviceId: 'laptop' });
  const devices = async (): Promise<string[]> => {
    const { body } = await survivor.rest('GET', '/v1/users/ann/connections');
    return (body as { connections: { deviceId: string }[] }).connections.map(({ deviceId }) => deviceId);
  };
  expect((await devices()).toSorted()).toEqual(['laptop', 'phone']);
  await doomed.end('SIGKILL');
  await until('the phone is gone', async () => !(await devices()).includes('phone'), NO_GHOSTS_MS);
  expect(await devices()).toEqual(['laptop']);
});
