import { randomBytes } from 'node:crypto';
import { Cluster } from '../support/cluster.js';
import { healthOf } from '../support/health.js';
import { createEmptyDatabase, createTestDatabase, query, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let role: string;
let cluster: Cluster;

async function on(opened: Promise<TestDatabase>): Promise<void> {
  database = await opened;
  role = `server_${randomBytes(4).toString('hex')}`;
  await database.query(`create role ${role} login password 'x'`);
  cluster = new Cluster(Object.assign(new URL(database.url), { username: role, password: 'x' }).href);
}

afterEach(async () => {
  await cluster.end();
  const admin = Object.assign(new URL(database.url), { pathname: '/postgres' }).href;
  await database.drop();
  await query(admin, `drop role ${role}`);
});

async function exchange(): Promise<void> {
  const servers = await Promise.all([cluster.start(), cluster.start(), cluster.start()]);
  const ann = await cluster.connect(servers[0], { user: 'ann' });
  await ann.must('join', { channel: 'group:tea' });
  for (const server of servers) {
    const sent = { channel: 'group:tea', type: 't', data: server.instanceId, publishId: server.instanceId };
    expect(await server.rest('POST', '/v1/messages', sent)).toMatchObject({ status: 200 });
    expect(await healthOf(server, '/ready')).toMatchObject({ status: 200 });
  }
  await until('all came', () => ann.bodies('group:tea').length === servers.length);
}

it('a role that owns the schema, and may not make others, migrates and serves', async () => {
  await on(createEmptyDatabase());
  await database.query(`create schema trunkline authorization ${role}`);
  await exchange();
}, 90_000);

it('three instances start at once on an empty database though their role ends statements and waits early', async () => {
  await on(createEmptyDatabase());
  await database.query(`grant create on database ${new URL(database.url).pathname.slice(1)} to ${role}`);
  for (const setting of ["lock_timeout = '1ms'", "statement_timeout = '100ms'", "idle_session_timeout = '100ms'"]) {
    await database.query(`alter role ${role} set ${setting}`);
  }
  await exchange();
}, 90_000);

it('a role that owns nothing, with the rights of the page on operations, serves', async () => {
  await on(createTestDatabase());
  await grantAll();
  await exchange();
}, 90_000);

it('a role that may not mend sequences is told to have it done, and is well from the start', async () => {
  await on(createTestDatabase());
  await grantAll();
  await database.query(`revoke execute on function trunkline.mend_sequences() from ${role}`);
  const server = await cluster.start();
  expect(await healthOf(server)).toMatchObject({ status: 200, down: [] });
}, 90_000);

async function grantAll(): Promise<void> {
  await database.query(`
    grant usage on schema trunkline to ${role};
    grant select, insert, update, delete on all tables in schema trunkline to ${role};
    grant usage, select, update on all sequences in schema trunkline to ${role};
    grant execute on all functions in schema trunkline to ${role}`);
}
