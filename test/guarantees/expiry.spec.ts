import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { StatusLedger } from './status-ledger.js';
import { publish, statusOf } from './publish.js';

const DEFAULTS = { TTL_USER_MS: '400', TTL_GROUP_MS: '7000', TTL_BROADCAST_MS: '0' };

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ledger: StatusLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ...DEFAULTS, WINDOW_MESSAGES: '1' });
  server = await cluster.start();
  ledger = new StatusLedger(server, database);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function isExpired(id: string): Promise<boolean> {
  return (await statusOf(server, id)).isExpired;
}

async function ttlOf(id: string): Promise<number | null> {
  const rows = await until('it has its seq', async () => {
    const found = await database.query<{ ms: number | null }>(
      `select extract(epoch from expires_at - created_at)::float8 * 1000 as ms from trunkline.messages where id = $1`,
      [id],
    );
    return found.length === 1 && found;
  });
  return rows[0]?.ms ?? null;
}

it.each([
  ['user:ann', 400],
  ['group:tea', 7_000],
  ['broadcast', null],
])('a message to %s lives for the default of its kind, from REST, a socket and SQL alike', async (channel, ttl) => {
  const ann = await cluster.connect(server, { user: 'ann' });
  const fromRest = await publish(server, { channel });
  const fromSocket = await ann.must('publish', { channel, type: 't', data: 1 });
  const [fromSql] = await database.query<{ id: string }>(`select trunkline.publish($1, 't', '1') as id`, [channel]);
  for (const id of [fromRest.id, fromSocket.id, fromSql?.id ?? '']) expect(await ttlOf(id)).toBe(ttl);
});

it('its own ttlMs goes before the default', async () => {
  const { id } = await publish(server, { channel: 'user:ben', ttlMs: 123_000 });
  expect(await ttlOf(id)).toBe(123_000);
  const [fromSql] = await database.query<{ id: string }>(
    `select trunkline.publish('user:ben', 't', '1', '{"ttlMs": 123000}') as id`,
  );
  expect(await ttlOf(fromSql?.id ?? '')).toBe(123_000);
});

it('a device that comes back after the expiry gets a gap in its place, and the ledger says so', async () => {
  const before = await cluster.connect(server, { user: 'cid', deviceId: 'phone' });
  before.close();
  const gone = await publish(server, { channel: 'user:cid', ttlMs: 1 });
  const kept = await publish(server, { channel: 'user:cid', ttlMs: 60_000 });
  await until('it has expired', () => isExpired(gone.id));
  const phone = await cluster.connect(server, { user: 'cid', deviceId: 'phone' });
  await until('the other came', () => phone.received.length === 1);
  expect(phone.raw.map(({ id }) => id)).toEqual([kept.id]);
  expect(phone.gaps).toMatchObject([{ channel: 'user:cid', fromSeq: 1, toSeq: 1, reason: 'expired' }]);
  await ledger.until(kept.id, 'cid phone', 'delivered');
  expect(await ledger.of(gone.id)).toEqual({ 'cid phone': 'expired' });
});

it('what expires while a lagging client waits for it is not delivered either', async () => {
  const slow = await cluster.connect(server, { user: 'dee', deviceId: 'phone', acknowledges: false });
  const published = [];
  for (const ttlMs of [60_000, 300, 300, 60_000]) published.push(await publish(server, { channel: 'user:dee', ttlMs }));
  await until('the window is full', () => slow.raw.length === 1);
  for (const { id } of published.slice(1, 3)) await until('it has expired', () => isExpired(id));
  slow.acknowledges = true;
  await slow.must('ack', { 'user:dee': 1 });
  await until('the last came', () => slow.received.length === 2);
  expect(slow.raw.map(({ seq }) => seq)).toEqual([1, 4]);
  expect(slow.gaps.map(({ fromSeq, toSeq, reason }) => [fromSeq, toSeq, reason])).toEqual([[2, 3, 'expired']]);
  await ledger.until(published[3]?.id ?? '', 'dee phone', 'delivered');
  expect(await ledger.of(published[1]?.id ?? '')).toEqual({ 'dee phone': 'expired' });
});

it('what expires unacknowledged is not repeated on the next connection', async () => {
  const before = await cluster.connect(server, { user: 'eve', deviceId: 'phone', acknowledges: false });
  const { id } = await publish(server, { channel: 'user:eve', ttlMs: 500 });
  await until('it came', () => before.raw.length === 1);
  before.close();
  await until('it has expired', () => isExpired(id));
  const after = await cluster.connect(server, { user: 'eve', deviceId: 'phone' });
  await until('the gap came', () => after.gaps.length === 1);
  expect([after.raw, after.gaps[0]?.reason]).toEqual([[], 'expired']);
});
