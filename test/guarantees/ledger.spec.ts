import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { StatusLedger } from './status-ledger.js';
import { publish, statusOf } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ledger: StatusLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
  ledger = new StatusLedger(server, database);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

it('shows a message queued, sent, delivered and read for a device, everywhere alike', async () => {
  const before = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  before.close();
  const { id } = await publish(server, { channel: 'user:ann' });
  expect(await ledger.of(id)).toEqual({ 'ann phone': 'queued' });

  const phone = await cluster.connect(server, { user: 'ann', deviceId: 'phone', acknowledges: false });
  await ledger.until(id, 'ann phone', 'sent');
  expect(await ledger.of(id)).toEqual({ 'ann phone': 'sent' });

  await phone.must('ack', { 'user:ann': 1 });
  expect(await ledger.of(id)).toEqual({ 'ann phone': 'delivered' });
  await phone.must('read', { 'user:ann': 1 });
  expect(await ledger.of(id)).toEqual({ 'ann phone': 'read' });
});

it('tells the devices of a user, and the members of a group, apart', async () => {
  const [phone, tablet, bob] = await Promise.all([
    cluster.connect(server, { user: 'amy', deviceId: 'phone' }),
    cluster.connect(server, { user: 'amy', deviceId: 'tablet', acknowledges: false }),
    cluster.connect(server, { user: 'bob', deviceId: 'laptop' }),
  ]);
  for (const member of [phone, bob]) await member.must('join', { channel: 'group:tea' });
  const { id } = await publish(server, { channel: 'group:tea' });
  await until('all have it', () => [phone, tablet, bob].every(({ raw }) => raw.length === 1));
  await bob.must('read', { 'group:tea': 1 });
  await ledger.until(id, 'amy phone', 'delivered');
  await ledger.until(id, 'amy tablet', 'sent');
  expect(await ledger.of(id)).toEqual({ 'amy phone': 'delivered', 'amy tablet': 'sent', 'bob laptop': 'read' });
});

it('lists a user without devices, and no device that was made after the message was delivered', async () => {
  const { id } = await publish(server, { channel: 'user:new' });
  expect(await ledger.of(id)).toEqual({ 'new null': 'queued' });
  await cluster.connect(server, { user: 'new', deviceId: 'first' });
  await ledger.until(id, 'new first', 'delivered');
  await cluster.connect(server, { user: 'new', deviceId: 'second' });
  expect(await ledger.of(id)).toEqual({ 'new first': 'delivered' });
});

it('lists for broadcast the users there were, and not those who came later', async () => {
  const { id } = await publish(server, { channel: 'broadcast' });
  await cluster.connect(server, { user: 'late', deviceId: 'phone' });
  expect(Object.keys(await ledger.of(id))).toContain('ann phone');
  expect(Object.keys(await ledger.of(id))).not.toContain('late phone');
});

it('shows what ended before a device got it as expired, cancelled or collapsed, also once the cursor has passed it', async () => {
  const before = await cluster.connect(server, { user: 'dot', deviceId: 'phone' });
  before.close();
  const expired = await publish(server, { channel: 'user:dot', ttlMs: 1 });
  const cancelled = await publish(server, { channel: 'user:dot' });
  const collapsed = await publish(server, { channel: 'user:dot', collapseKey: 'score' });
  const last = await publish(server, { channel: 'user:dot', collapseKey: 'score' });
  await server.rest('DELETE', `/v1/messages/${cancelled.id}`);
  await ledger.until(expired.id, 'dot phone', 'expired');

  const phone = await cluster.connect(server, { user: 'dot', deviceId: 'phone' });
  await ledger.until(last.id, 'dot phone', 'delivered');
  expect(phone.received.map(({ id }) => id)).toEqual([last.id]);
  expect(await ledger.of(expired.id)).toEqual({ 'dot phone': 'expired' });
  expect(await ledger.of(cancelled.id)).toEqual({ 'dot phone': 'cancelled' });
  expect(await ledger.of(collapsed.id)).toEqual({ 'dot phone': 'collapsed' });
});

it('shows as delivered what a device got before it ended', async () => {
  const phone = await cluster.connect(server, { user: 'eve', deviceId: 'phone' });
  const requests = ['score', 'score', undefined].map((collapseKey) => ({
    channel: 'user:eve',
    ...(collapseKey === undefined ? { ttlMs: 1_500 } : { collapseKey }),
  }));
  const published = await Promise.all(requests.map((request) => publish(server, request)));
  await until('all came', () => phone.received.length === 3);
  const last = published[2]?.id ?? '';
  await until('the last one expired', async () => (await statusOf(server, last)).isExpired);
  for (const { id } of published) expect(await ledger.of(id)).toEqual({ 'eve phone': 'delivered' });
});

it('does not list whom the publisher left out', async () => {
  const [fay, fayTablet, gus] = await Promise.all([
    cluster.connect(server, { user: 'fay', deviceId: 'phone' }),
    cluster.connect(server, { user: 'fay', deviceId: 'tablet' }),
    cluster.connect(server, { user: 'gus', deviceId: 'phone' }),
  ]);
  for (const member of [fay, gus]) await member.must('join', { channel: 'group:out' });
  await until('the tablet joined', () => fayTablet.memberships.length === 1);
  const self = await fay.must('publish', { channel: 'group:out', type: 't', data: 1, exceptSelf: true });
  const connection = await fay.must('publish', { channel: 'group:out', type: 't', data: 2, exceptConnection: true });
  const device = await publish(server, { channel: 'group:out' });
  const except = { exceptDevice: { user: 'fay', deviceId: 'phone' } };
  await database.query('update trunkline.messages set controls = $2 where id = $1', [device.id, except]);
  const mark = await publish(server, { channel: 'group:out' });
  for (const device of ['fay phone', 'fay tablet', 'gus phone']) await ledger.until(mark.id, device, 'delivered');
  expect(await ledger.viewed('delivery_status', device.id)).toEqual({
    'fay tablet': 'delivered',
    'gus phone': 'delivered',
  });
  expect(await ledger.of(self.id)).toEqual({ 'gus phone': 'delivered' });
  expect(await ledger.of(connection.id)).toEqual({ 'fay tablet': 'delivered', 'gus phone': 'delivered' });
});

it('can be joined with the tables of the application', async () => {
  await database.query('create table invoices (number int, message_id uuid)');
  const before = await cluster.connect(server, { user: 'hal', deviceId: 'phone' });
  before.close();
  for (const number of [1, 2]) {
    const { id } = await publish(server, { channel: 'user:hal' });
    await database.query('insert into invoices values ($1, $2)', [number, id]);
  }
  const phone = await cluster.connect(server, { user: 'hal', deviceId: 'phone', acknowledges: false });
  await until('both came', () => phone.raw.length === 2);
  await phone.must('ack', { 'user:hal': 1 });
  const unpaid = await database.query(
    `select i.number, u.user_id, u.device_id from invoices i join trunkline.undelivered u using (message_id)`,
  );
  expect(unpaid).toEqual([{ number: 2, user_id: 'hal', device_id: 'phone' }]);
});
