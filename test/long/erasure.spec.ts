import { Client } from 'pg';
import { Cluster } from '../support/cluster.js';
import { inDays } from '../support/in-days.js';
import { runCli } from '../support/run-cli.js';
import type { Server } from '../support/server.js';
import { tokenFor, type TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { ADMIN_API_KEYS, KEYS } from '../admin/operator.js';

const USER = 'auth0|erase me';
const INBOX = 'user:auth0%7Cerase%20me';
/** What keeps the user out, with the tokens that it has. */
const KEPT = ['revocations', 'session_tokens'];

let database: TestDatabase;
let cluster: Cluster;
let near: Server;
let far: Server;

beforeEach(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ADMIN_API_KEYS, BEAT_MS: '1000', LEASE_MS: '5000' });
  [near, far] = await Promise.all([cluster.start(), cluster.start()]);
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

/** A user with all that can be known of one. */
async function live(): Promise<{ phone: TestClient; ben: TestClient }> {
  const phone = await cluster.connect(far, { user: USER, deviceId: 'phone' });
  const ben = await cluster.connect(near, { user: 'ben' });
  for (const client of [phone, ben]) await client.must('join', { channel: 'group:g' });
  await phone.must('publish', {
    channel: 'group:g',
    type: 't',
    data: 'mine',
    publishId: 'p-1',
    receipts: ['delivered'],
  });
  await ben.must('publish', { channel: 'group:g', type: 't', data: 'his', receipts: ['delivered'] });
  await publish(near, { channel: INBOX, type: 't', data: 'to it', publishId: 'p-2' });
  await publish(near, { channel: 'group:g', type: 't', data: 'not for it', exceptUser: USER });
  await near.rest('POST', '/v1/messages/scheduled', {
    ...{ channel: INBOX, type: 't', data: 1 },
    sendAt: inDays(300),
  });
  await until('ben has the receipt', () => ben.received.some(({ type }) => type === 'trunkline.receipt'));
  await until('the phone has all', () => phone.received.length === 4);
  await database.query(
    `insert into trunkline.dead_letters (channel, seq, user_id, device_id, message_id, attempts)
     values ('group:g', 1, $1, 'phone', gen_random_uuid(), 3)`,
    [USER],
  );
  await database.query(
    `insert into trunkline.claims (channel, seq, user_id, device_id) values ('group:g', 1, $1, 'phone')`,
    [USER],
  );
  await near.rest('DELETE', `/admin/v1/users/${encodeURIComponent(USER)}/connections`, undefined, KEYS.hands);
  await until('it was disconnected', () => phone.disconnectReason);
  return { phone: await cluster.connect(far, { user: USER, deviceId: 'tablet' }), ben };
}

const publish = async (server: Server, message: object): Promise<void> =>
  expect(await server.rest('POST', '/v1/messages', message)).toMatchObject({ status: 200 });

const erase = (query = '') =>
  near.rest('DELETE', `/admin/v1/users/${encodeURIComponent(USER)}${query}`, undefined, KEYS.broom);

/** Every table in which the user is named, in whichever column. */
async function traces(): Promise<string[]> {
  const tables = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'trunkline'::regnamespace and relkind = 'r'`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await database.query(
      `select from trunkline.${name} as t where strpos(to_jsonb(t)::text, $1) > 0 or strpos(to_jsonb(t)::text, $2) > 0 limit 1`,
      [USER, INBOX],
    );
    if (rows.length > 0 && !KEPT.includes(name)) found.push(name.replace(/_(\d{4}_\d\d_\d\d|default)$/, ''));
  }
  return found;
}

it('nothing is left of an erased user, in any table, and its sockets are closed', async () => {
  const { phone, ben } = await live();
  expect(await traces()).toEqual(
    expect.arrayContaining([
      ...['messages', 'publish_ids', 'attempts', 'cursors', 'devices', 'outbox', 'admin_audit', 'receipts'],
    ]),
  );
  expect(await erase()).toMatchObject({ status: 200, body: { ok: true, isDone: true, rows: expect.any(Number) } });
  expect(phone.disconnectReason).toBeDefined();
  expect(await traces()).toEqual([]);
  // Others keep what is theirs, and go on.
  const bodies = await database.query(`select body from trunkline.messages where channel = 'group:g'`);
  expect(bodies).toEqual([{ body: '"his"' }, { body: '"not for it"' }]);
  await ben.must('publish', { channel: 'group:g', type: 't', data: 'later' });
  await until('ben goes on', () => ben.bodies('group:g').includes('later'));
  const audit = await database.query(
    `select action, target, result from trunkline.admin_audit order by id desc limit 1`,
  );
  expect(audit).toEqual([
    { action: 'erase-user', target: expect.stringMatching(/^erased:[0-9a-f]{16}$/), result: 'ok' },
  ]);
});

it.each([
  ['with a sid', { sessionId: 'login-1' }],
  ['without one', {}],
])('a token %s that was shown before lets nobody in afterwards', async (_, claims) => {
  const login = { user: USER, token: tokenFor({ user: USER, ...claims }) };
  await cluster.connect(near, login);
  expect(await erase()).toMatchObject({ status: 200 });
  await expect(cluster.connect(near, login)).rejects.toThrow('2005');
});

it('the audit of others stays, though their names begin with the same words', async () => {
  const others = ['ann lee', 'ann lee x', 'anna', 'orphans'];
  for (const user of ['ann', ...others]) {
    const path = `/v1/users/${encodeURIComponent(user)}/sessions`;
    await near.rest('DELETE', path);
    await near.rest('DELETE', `${path}/login-1`);
    await near.rest('DELETE', `/admin/v1/users/${encodeURIComponent(user)}/connections`, undefined, KEYS.hands);
  }
  await near.rest('DELETE', `/v1/users/ann/sessions/${encodeURIComponent('not a session')}`);
  await near.rest('POST', '/admin/v1/jobs/orphans/run', {}, KEYS.hands);
  for (const user of ['ann', 'orphans']) await near.rest('DELETE', `/admin/v1/users/${user}`, undefined, KEYS.broom);
  const rows = await database.query<{ target: string }>(
    `select target from trunkline.admin_audit where target not like 'erased:%' order by id`,
  );
  const left = others.slice(0, 3).flatMap((user) => [user, `${user} login-1`, user]);
  expect(rows.map(({ target }) => target)).toEqual([...left, 'orphans']);
});

it('what the user sent to others can stay without its name', async () => {
  const { phone, ben } = await live();
  await phone.must('publish', { channel: 'group:g', type: 't', data: 'not for me', exceptSelf: true });
  await phone.must('publish', { channel: 'group:g', type: 't', data: 'not here', exceptDevice: true });
  const exceptDevice = { user: 'ben', deviceId: 'laptop' };
  await publish(near, { channel: 'group:g', type: 't', data: 'for few', exceptUser: USER, exceptDevice });
  await until('ben has them', () => ben.bodies('group:g').includes('for few'));
  expect((await erase('?sent=anonymize')).status).toBe(200);
  expect(await traces()).toEqual([]);
  const sent = await database.query(
    `select body, sender from trunkline.messages where channel = 'group:g' order by seq`,
  );
  expect(sent).toEqual([
    { body: '"mine"', sender: null },
    { body: '"his"', sender: 'ben' },
    { body: '"not for it"', sender: null },
    { body: '"not for me"', sender: null },
    { body: '"not here"', sender: null },
    { body: '"for few"', sender: null },
  ]);
  // Whom others excepted besides the user stays excepted.
  const [few] = await database.query(`select controls from trunkline.messages where body = '"for few"'`);
  expect(few).toEqual({ controls: { exceptDevice } });
});

it('a day that was dropped meanwhile holds nothing of the user', async () => {
  const [gone] = await database.query(
    `select trunkline.erase_from('messages_2020_01_01', 0, 100, 'ann', false) as rows`,
  );
  expect(gone).toEqual({ rows: '0' });
  const connections = database.query(`select trunkline.erase_from('connections', 0, 100, 'ann', false)`);
  await expect(connections).rejects.toThrow('connections holds nothing of users');
});

it('who asks for the messages to be removed is not put off with an erasure that keeps them', async () => {
  await live();
  const blocker = new Client(database.url);
  await blocker.connect();
  try {
    await blocker.query('begin');
    await blocker.query(`select from trunkline.publish_ids where publisher = $1 for update`, [`user:${USER}`]);
    const keeping = erase('?sent=anonymize');
    await until('it waits', () => isWaiting('erase_from'));
    const removing = erase();
    await until('the second is written down', async () => (await erasures()) === 2);
    await near.rest('GET', '/health');
    await blocker.query('rollback');
    for (const answer of await Promise.all([keeping, removing]))
      expect(answer).toMatchObject({ status: 200, body: { isDone: true } });
  } finally {
    await blocker.end();
  }
  const bodies = await database.query(`select body from trunkline.messages where channel = 'group:g' order by seq`);
  expect(bodies).toEqual([{ body: '"his"' }, { body: '"not for it"' }]);
});

async function isWaiting(statement: string): Promise<boolean> {
  const rows = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
    [statement],
  );
  return rows.length > 0;
}

async function erasures(): Promise<number> {
  return (await database.query(`select from trunkline.admin_audit where action = 'erase-user'`)).length;
}

it('publishers to the user go on meanwhile, and what comes afterwards begins a new inbox', async () => {
  await live();
  let isOver = false;
  const publishing = (async () => {
    for (let n = 0; !isOver; n++) await publish(far, { channel: INBOX, type: 't', data: n });
  })();
  expect((await erase()).body).toMatchObject({ isDone: true });
  isOver = true;
  await publishing;
  const again = await cluster.connect(near, { user: USER, sessionId: 'again' });
  await publish(far, { channel: INBOX, type: 't', data: 'hello' });
  await until('it comes', () => again.bodies(INBOX).includes('hello'));
  const seqs = again.received.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
});

it('is done by the next request after the instance that did it was killed', async () => {
  await live();
  await database.query(
    `insert into trunkline.messages (channel, seq, id, sender, type, body, created_at)
     select 'group:large', n, gen_random_uuid(), case when n % 2 = 0 then $1 end, 't', to_jsonb(repeat('x', 500))::text, now()
       from generate_series(1, 60000) as n`,
    [USER],
  );
  const erasing = erase().catch(() => undefined);
  await until('it has begun', async () => {
    const [row] = await database.query<{ left: number }>(
      `select count(*)::int as left from trunkline.messages where channel = 'group:large'`,
    );
    return (row?.left ?? 0) < 60_000;
  });
  await near.end('SIGKILL');
  await erasing;
  const env = { TRUNKLINE_URL: far.url, TRUNKLINE_ADMIN_KEY: KEYS.broom };
  expect(await runCli(['erase-user', USER], env)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^erased auth0\|erase me: \d+ rows\n$/),
  });
  expect(await traces()).toEqual([]);
  const [row] = await database.query(
    `select count(*)::int as left from trunkline.messages where channel = 'group:large'`,
  );
  expect(row).toEqual({ left: 30_000 });
});

it('needs a key that may purge', async () => {
  const path = `/admin/v1/users/${encodeURIComponent(USER)}`;
  expect(await near.rest('DELETE', path, undefined, KEYS.hands)).toMatchObject({ status: 403 });
  const env = { TRUNKLINE_URL: near.url, TRUNKLINE_ADMIN_KEY: KEYS.hands };
  expect(await runCli(['erase-user', USER], env)).toMatchObject({ code: 1, stderr: expect.stringContaining('3001') });
});
