import { ADMIN_API_KEYS, ask, KEYS } from '../admin/operator.js';
import { publish } from '../guarantees/publish.js';
import { Cluster } from '../support/cluster.js';
import { runCli } from '../support/run-cli.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/*
 * What explains a message may be gone when somebody asks: the membership, the body, the device. Together with
 * why.spec.ts each cause is staged, and the command line (in words and as JSON) and the admin REST must name it.
 */
const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ADMIN_API_KEYS, CRON_EXPIRED_MESSAGES: '* * * * * *' });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

interface Told {
  readonly user: string;
  readonly deviceId: string | null;
  readonly cause: string;
  readonly reason: string;
  readonly status: string;
  readonly attempts: readonly { readonly outcome: string; readonly sentAt: string; readonly settledAt: string }[];
}

interface Timeline {
  readonly message: { readonly data?: unknown; readonly ended?: string };
  readonly forNobody: { readonly cause: string; readonly reason: string } | null;
  readonly deliveries: readonly Told[];
}

interface Expected {
  /** Left out: nobody is asked about. */
  readonly user?: string;
  readonly device?: string | null;
  readonly status?: string;
  readonly cause: string;
  readonly says: RegExp;
}

async function timelineOf(id: string, user?: string): Promise<Timeline> {
  const query = user === undefined ? '' : `?user=${encodeURIComponent(user)}`;
  return (await ask(server, 'GET', `/messages/${id}${query}`)).body as Timeline;
}

function find({ forNobody, deliveries }: Timeline, device: string | null | undefined) {
  return forNobody ?? deliveries.find(({ deviceId }) => device === undefined || deviceId === device);
}

/** The admin REST, and the command line in words and as JSON. @returns what the admin REST says */
async function expectExplained(id: string, expected: Expected): Promise<Timeline> {
  const { user, device, status, cause, says } = expected;
  const timeline = await timelineOf(id, user);
  const wanted = { cause, reason: expect.stringMatching(says) as string, ...(status === undefined ? {} : { status }) };
  expect(find(timeline, device)).toMatchObject(wanted);
  const env = { TRUNKLINE_URL: server.url, TRUNKLINE_ADMIN_KEY: KEYS.eyes };
  const args = ['why', id, ...(user === undefined ? [] : ['--user', user])];
  const [inWords, asJson] = await Promise.all([runCli(args, env), runCli([...args, '--json'], env)]);
  expect(inWords).toMatchObject({ code: 0, stderr: '' });
  const line = inWords.stdout.split('\n').find((one) => one.includes(cause) && says.test(one));
  expect([line, inWords.stdout]).toEqual([expect.any(String), expect.any(String)]);
  expect(find(JSON.parse(asJson.stdout) as Timeline, device)).toMatchObject(wanted);
  return timeline;
}

async function meetOnce(user: string, deviceId = 'phone'): Promise<void> {
  const client = await cluster.connect(server, { user, deviceId });
  client.close();
  await until(`${user} left the registry`, async () => {
    const rows = await database.query(`select 1 from trunkline.connections where user_id = $1 and device_id = $2`, [
      user,
      deviceId,
    ]);
    return rows.length === 0;
  });
}

async function untilSwept(id: string): Promise<void> {
  await database.query(`update trunkline.messages set expires_at = expires_at - interval '2 minutes' where id = $1`, [
    id,
  ]);
  await until('the job took its body', async () => {
    const rows = await database.query(`select 1 from trunkline.messages where id = $1 and body is null`, [id]);
    return rows.length === 1;
  });
}

it('delivered, though the member has left the group since', async () => {
  const ann = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  await ann.must('join', { channel: 'group:tea' });
  const { id } = await publish(server, { channel: 'group:tea' });
  await until('it is acknowledged', async () => (await timelineOf(id)).deliveries[0]?.status === 'delivered');
  await ann.must('leave', { channel: 'group:tea' });
  const says = new RegExp(`acknowledged, at ${ISO} on .+; ann left group:tea later, at ${ISO}`);
  const expected = { device: 'phone', status: 'delivered', cause: 'delivered', says };
  const { deliveries } = await expectExplained(id, { user: 'ann', ...expected });
  expect(deliveries[0]?.attempts).toMatchObject([{ outcome: 'acknowledged' }]);
  await expectExplained(id, expected);
  const views = await database.query(`select status from trunkline.delivery_status where message_id = $1`, [id]);
  expect(views).toEqual([{ status: 'delivered' }]);
});

it('not delivered, because the member left before its device came back; and came back as a member later', async () => {
  await meetOnce('bea');
  await server.rest('PUT', '/v1/channels/group%3Awalk/members/bea');
  const { id } = await publish(server, { channel: 'group:walk' });
  await server.rest('DELETE', '/v1/channels/group%3Awalk/members/bea');
  const says = new RegExp(`bea left group:walk at ${ISO}, before it acknowledged it on phone`);
  const expected = { user: 'bea', device: 'phone', status: 'left', cause: 'left', says };
  await expectExplained(id, expected);
  const later = await publish(server, { channel: 'group:walk' });
  const left = { user: 'bea', device: null, status: 'not-addressed', cause: 'not-a-member' };
  await expectExplained(later.id, { ...left, says: /bea left group:walk at .+, before this message: behind seq 1/ });
  await server.rest('PUT', '/v1/channels/group%3Awalk/members/bea');
  const last = await publish(server, { channel: 'group:walk' });
  const phone = await cluster.connect(server, { user: 'bea', deviceId: 'phone' });
  await until('the last came', () => phone.received.some(({ id: got }) => got === last.id));
  await until('it is stored', async () => (await timelineOf(last.id)).deliveries[0]?.status === 'delivered');
  await expectExplained(id, expected);
  const again =
    /bea left group:walk at .+ and became a member|bea became a member of group:walk only after this message/;
  await expectExplained(later.id, { ...left, says: again });
});

it('expired, also long after the job took its body', async () => {
  await meetOnce('cat');
  const { id } = await publish(server, { channel: 'user:cat', ttlMs: 1, metadata: { secret: 'x' } });
  await until('it expired', async () => (await timelineOf(id)).message.ended === 'expired');
  await database.query(`update trunkline.devices set created_at = now() - interval '1 hour' where user_id = 'cat'`);
  await untilSwept(id);
  const says = new RegExp(`expired at ${ISO}; until then device phone offline since ${ISO}`);
  const { message } = await expectExplained(id, { user: 'cat', status: 'expired', cause: 'expired', says });
  expect(message).toMatchObject({ channel: 'user:cat', seq: 1, ended: 'expired' });
  expect(message).not.toHaveProperty('data');
  expect(message).not.toHaveProperty('metadata');
});

it('cancelled, also after it would have expired, and whoever cancels it once more', async () => {
  await meetOnce('dan');
  const { id } = await publish(server, { channel: 'user:dan', ttlMs: 60_000 });
  await server.rest('DELETE', `/v1/messages/${id}`);
  await database.query(`update trunkline.devices set created_at = now() - interval '1 hour' where user_id = 'dan'`);
  await untilSwept(id);
  await server.rest('DELETE', `/v1/messages/${id}`);
  const says = new RegExp(`cancelled at ${ISO} by its publisher`);
  await expectExplained(id, { user: 'dan', status: 'cancelled', cause: 'cancelled', says });
});

it('collapsed, and by which message', async () => {
  await meetOnce('eli');
  const [first, second] = [
    await publish(server, { channel: 'user:eli', collapseKey: 'score' }),
    await publish(server, { channel: 'user:eli', collapseKey: 'score' }),
  ];
  const says = new RegExp(`collapsed by user:eli#2 \\(${second.id}\\)`);
  const expected = { user: 'eli', device: 'phone', status: 'collapsed', cause: 'collapsed', says };
  await expectExplained(first.id, expected);
  await expectExplained(second.id, { user: 'eli', status: 'queued', cause: 'offline', says: /device phone offline/ });
  const phone = await cluster.connect(server, { user: 'eli', deviceId: 'phone' });
  await until('the second came', () => phone.received.some(({ id }) => id === second.id));
  await until('it is stored', async () => (await timelineOf(second.id)).deliveries[0]?.status === 'delivered');
  await expectExplained(first.id, expected);
});

it('not for a device that is newer than the message', async () => {
  const phone = await cluster.connect(server, { user: 'fay', deviceId: 'phone' });
  const { id } = await publish(server, { channel: 'user:fay' });
  await until('it came', () => phone.received.length === 1);
  await until('it is stored', async () => (await timelineOf(id)).deliveries[0]?.status === 'delivered');
  await meetOnce('fay', 'tablet');
  const says = new RegExp(`device tablet was first seen at ${ISO}, and began behind seq 1 of user:fay`);
  await expectExplained(id, { user: 'fay', device: 'tablet', status: 'not-addressed', cause: 'newer-device', says });
});

it('not for a device that was first seen after the message had expired', async () => {
  const { id } = await publish(server, { channel: 'user:gil', ttlMs: 1 });
  await until('it expired', async () => (await timelineOf(id)).message.ended === 'expired');
  await meetOnce('gil');
  const says = new RegExp(`device phone was first seen at ${ISO}, after the message had ended at ${ISO}`);
  await expectExplained(id, { user: 'gil', device: 'phone', cause: 'newer-device', says });
  const { deliveries } = await timelineOf(id);
  expect(deliveries).toMatchObject([{ user: 'gil', deviceId: null, status: 'expired' }]);
});

it('not for anybody there is, because the publisher wrote the id in another case', async () => {
  await meetOnce('hal');
  const { id } = await publish(server, { channel: 'user:Hal' });
  const nobody =
    'no user Hal has ever been seen: it has no device and no session; there is a user hal: ids differ in case';
  await expectExplained(id, { status: 'queued', cause: 'never-connected', says: new RegExp(nobody) });
  const other = { user: 'hal', device: null, status: 'not-addressed', cause: 'not-addressed' };
  await expectExplained(id, {
    ...other,
    says: new RegExp(`the message is for Hal, not for hal: ids differ in case, too; ${nobody}`),
  });
});

it('for nobody, because the publisher mistyped the group', async () => {
  await meetOnce('ida');
  await server.rest('PUT', '/v1/channels/group%3Ateam/members/ida');
  const { id } = await publish(server, { channel: 'group:teem' });
  const says = /group:teem had no members when it was published, and it has none now: is its name right\?/;
  await expectExplained(id, { cause: 'no-members', says });
  const none = { user: 'ida', device: null, status: 'not-addressed', cause: 'not-a-member' };
  await expectExplained(id, {
    ...none,
    says: /ida is not a member of group:teem, and was none when it was published; nobody was/,
  });
});

it('delivered, though the device has been forgotten since', async () => {
  const phone = await cluster.connect(server, { user: 'jim', deviceId: 'phone' });
  const { id } = await publish(server, { channel: 'user:jim' });
  await until('it came', () => phone.received.length === 1);
  await until('it is stored', async () => (await timelineOf(id)).deliveries[0]?.status === 'delivered');
  for (const table of ['devices', 'cursors'])
    await database.query(`delete from trunkline.${table} where user_id = 'jim'`);
  const says = new RegExp(`acknowledged, at ${ISO} on .+; the device has been forgotten since`);
  await expectExplained(id, { user: 'jim', device: 'phone', status: 'delivered', cause: 'delivered', says });
});

it('dead, also after its letter was taken off the list', async () => {
  await meetOnce('kim');
  const { id, seq } = await publish(server, { channel: 'user:kim' });
  await database.query(
    `insert into trunkline.dead_letters (channel, seq, user_id, device_id, message_id, attempts) values ('user:kim', $1, 'kim', 'phone', $2, 10)`,
    [seq, id],
  );
  await database.query(
    `update trunkline.cursors set delivered_seq = $1 where user_id = 'kim' and channel = 'user:kim'`,
    [seq],
  );
  const { status } = await server.rest('DELETE', `/admin/v1/dead-letters/${id}`, undefined, KEYS.broom);
  expect(status).toBe(200);
  const says = new RegExp(
    `given up after too many attempts; the last: not acknowledged; taken off the list of dead letters at ${ISO}`,
  );
  await expectExplained(id, { user: 'kim', status: 'dead', cause: 'dead', says });
});

it('offline, and not coming back with this login, because its session was revoked', async () => {
  await meetOnce('lea');
  const { id } = await publish(server, { channel: 'user:lea' });
  await server.rest('DELETE', '/v1/users/lea/sessions/device%3Aphone');
  const says = new RegExp(`device phone offline since ${ISO}; its session ended at ${ISO} \\(revoked\\)`);
  await expectExplained(id, { user: 'lea', status: 'queued', cause: 'offline', says });
});

it('lists each attempt once, with when it was sent and when and how it ended', async () => {
  const phone = await cluster.connect(server, { user: 'ned', deviceId: 'phone', acknowledges: false });
  const { id, createdAt } = await publish(server, { channel: 'user:ned' });
  const awaited = await until('it is written down as sent', async () => {
    const { deliveries } = await timelineOf(id);
    return deliveries[0]?.attempts.length === 1 && deliveries[0].attempts[0];
  });
  expect(awaited).toMatchObject({ outcome: 'sent' });
  await phone.must('ack', { 'user:ned': 1 });
  const says = new RegExp(`acknowledged, at ${ISO} on `);
  const { deliveries } = await expectExplained(id, { user: 'ned', device: 'phone', cause: 'delivered', says });
  expect(deliveries[0]?.attempts).toMatchObject([{ outcome: 'acknowledged' }]);
  const [{ sentAt, settledAt } = { sentAt: '', settledAt: '' }] = deliveries[0]?.attempts ?? [];
  for (const sent of [sentAt, awaited.sentAt])
    expect(Math.abs(Date.parse(sent) - Date.parse(createdAt))).toBeLessThan(900);
  expect(Date.parse(settledAt) - Date.parse(sentAt)).toBeGreaterThanOrEqual(1_000);
  const { stdout } = await runCli(['why', id], { TRUNKLINE_URL: server.url, TRUNKLINE_ADMIN_KEY: KEYS.eyes });
  expect(stdout).toContain(`: sent at ${sentAt}, acknowledged at ${settledAt}\n`);
});

it('names a message by its channel and seq as well, and lists what is gone on request', async () => {
  const env = { TRUNKLINE_URL: server.url, TRUNKLINE_ADMIN_KEY: KEYS.eyes };
  const first = await publish(server, { channel: 'user:moe' });
  const second = await publish(server, { channel: 'user:moe' });
  await server.rest('DELETE', `/v1/messages/${first.id}`);
  expect((await runCli(['why', 'user:moe#1'], env)).stdout).toContain(`user:moe#1 (${first.id}), test`);
  const none = await runCli(['why', 'user:moe#7'], env);
  expect(none).toMatchObject({ code: 1, stderr: 'error: there is no user:moe#7: its last is seq 2\n' });
  const tail = ['tail', 'user:moe', '--after', '0', '--count'];
  expect((await runCli([...tail, '1'], env)).stdout).toMatch(
    new RegExp(`^\\S+ user:moe#2 ${second.id} test from a back end: "hello"\n$`),
  );
  const all = (await runCli([...tail, '2', '--all'], env)).stdout;
  expect(all).toContain(`user:moe#1 ${first.id} test from a back end: cancelled\n`);
  const { body } = await ask(server, 'GET', '/channels/user%3Amoe/messages?include=gone');
  expect(body).toMatchObject({
    messages: [
      { id: first.id, ended: 'cancelled' },
      { id: second.id, data: 'hello' },
    ],
  });
});
