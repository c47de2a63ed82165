import { randomBytes } from 'node:crypto';
import { Cluster } from '../support/cluster.js';
import { healthOf } from '../support/health.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createEmptyDatabase, query, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const role = `server_${randomBytes(4).toString('hex')}`;

let database: TestDatabase;
let name: string;
let admin: string;
let cluster: Cluster;
let server: Server;
let ann: TestClient;

const asAdmin = (text: string): Promise<unknown> => query(admin, text);

beforeAll(async () => {
  database = await createEmptyDatabase();
  name = new URL(database.url).pathname.slice(1);
  admin = Object.assign(new URL(database.url), { pathname: '/postgres' }).href;
  await asAdmin(`create role ${role} login password 'right'`);
  await asAdmin(`alter database ${name} owner to ${role}`);
  await asAdmin(`revoke connect on database ${name} from public`);
  cluster = new Cluster(Object.assign(new URL(database.url), { username: role, password: 'right' }).href);
  server = await cluster.start();
  ann = await cluster.connect(server, { user: 'ann' });
});
afterAll(async () => {
  await cluster.end();
  await asAdmin(`drop database if exists ${name} with (force)`);
  await asAdmin(`drop role ${role}`);
});

const OUTAGES: [what: string, code: string, begin: () => Promise<unknown>, end: () => Promise<unknown>][] = [
  [
    'a role that may not log in',
    '28000',
    () => asAdmin(`alter role ${role} nologin`),
    () => asAdmin(`alter role ${role} login`),
  ],
  [
    'another password',
    '28P01',
    () => asAdmin(`alter role ${role} password 'other'`),
    () => asAdmin(`alter role ${role} password 'right'`),
  ],
  ['a closed database', '55000', () => allowConnections(name, false), () => allowConnections(name, true)],
  ['a renamed database', '3D000', () => rename(name, `${name}_away`), () => rename(`${name}_away`, name)],
  [
    'a role without the right to connect',
    '42501',
    () => asAdmin(`revoke connect on database ${name} from ${role}`),
    () => asAdmin(`grant connect on database ${name} to ${role}`),
  ],
  [
    'no slot for the role',
    '53300',
    () => asAdmin(`alter role ${role} connection limit 0`),
    () => asAdmin(`alter role ${role} connection limit -1`),
  ],
];

it.each(OUTAGES)(
  '%s (%s): nothing happens, and the same again goes well later',
  async (what, code, begin, end) => {
    await begin();
    try {
      await endSessions();
      const rest = await until('REST is refused', async () => {
        const answer = await publish();
        return answer.status !== 200 && answer;
      });
      expect(rest).toMatchObject({ status: 503, body: { ok: false, error: { code: 4001, retryable: true } } });
      const refused = await ann.ask('publish', { channel: 'user:ann', type: 't', data: what });
      expect(refused).toMatchObject({ ok: false, error: { code: 4001, retryable: true } });
      const revoked = await server.rest('DELETE', '/v1/users/ann/sessions/none');
      if (revoked.status !== 404) expect(revoked).toMatchObject({ status: 503, body: { error: { code: 4001 } } });
      await until('not ready', async () => (await healthOf(server, '/ready')).status === 503);
    } finally {
      await end();
    }
    await until(`it takes publishes again after ${code}`, async () => (await publish()).status === 200);
    const { seq } = await ann.must('publish', { channel: 'user:ann', type: 't', data: `after ${what}` });
    await until('it came, and nothing of what was refused', () => ann.raw.at(-1)?.seq === seq);
    expect(ann.bodies('user:ann')).not.toContain(what);
    expect(ann.disconnectReason).toBeUndefined();
  },
  30_000,
);

const publish = () => server.rest('POST', '/v1/messages', { channel: 'user:bob', type: 't', data: 1 });

/** One that ends during a commit leaves its outcome unknown (4002), so that none may be left when the tests ask. */
async function endSessions(): Promise<void> {
  const text = 'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1';
  await until('no session is left', async () => (await query(admin, text, [role])).length === 0);
}

function allowConnections(to: string, isAllowed: boolean): Promise<unknown> {
  return asAdmin(`alter database ${to} allow_connections ${isAllowed}`);
}

async function rename(from: string, to: string): Promise<void> {
  await allowConnections(from, false);
  await until('nobody holds it', async () => {
    await endSessions();
    return asAdmin(`alter database ${from} rename to ${to}`).then(
      () => true,
      () => false,
    );
  });
  await allowConnections(to, true);
}
