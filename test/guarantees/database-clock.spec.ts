import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { StatusLedger } from './status-ledger.js';
import { publish } from './publish.js';

/** What a publish leaves behind while the clock of the database is ahead: its channel's time, and nothing else. */
const AHEAD_MS = 2 * 3_600_000;
const TTL_MS = 60_000;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { WINDOW_MESSAGES: '1' });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function publishWhileAhead(channel: string, aheadMs = AHEAD_MS): Promise<void> {
  await database.query(
    `insert into trunkline.channels (channel, last_at) values ($1, now() + $2 * interval '1 millisecond')
     on conflict (channel) do update set last_at = excluded.last_at`,
    [channel, aheadMs],
  );
}

it('a message that has time left reaches whoever waits for it, though another channel’s time is ahead', async () => {
  await publishWhileAhead('group:ahead');
  const slow = await cluster.connect(server, { user: 'ann', deviceId: 'phone', acknowledges: false });
  const published = [];
  for (const data of [1, 2]) published.push(await publish(server, { channel: 'user:ann', data, ttlMs: TTL_MS }));
  await until('the window is full', () => slow.raw.length === 1);
  await publish(server, { channel: 'group:ahead', data: 'from a clock that was ahead' });
  slow.acknowledges = true;
  await slow.must('ack', { 'user:ann': 1 });
  await until('the second came, or its gap', () => slow.raw.length + slow.gaps.length === 2);
  expect(slow.gaps).toEqual([]);
  expect(slow.bodies('user:ann')).toEqual([1, 2]);
  await new StatusLedger(server, database).until(published[1]?.id ?? '', 'ann phone', 'delivered');
});

it('a time to live begins now, also in a channel whose time is ahead', async () => {
  await publishWhileAhead('user:ben');
  const ben = await cluster.connect(server, { user: 'ben' });
  const { id } = await publish(server, { channel: 'user:ben', ttlMs: TTL_MS });
  await until('it came', () => ben.raw.length === 1);
  const [row] = await database.query<{ left_ms: number; expires_at: Date }>(
    `select extract(epoch from expires_at - now())::float8 * 1000 as left_ms, expires_at
       from trunkline.messages where id = $1`,
    [id],
  );
  expect(row?.left_ms).toBeLessThanOrEqual(TTL_MS);
  expect(ben.raw[0]?.expiresAt).toBe(row?.expires_at.toISOString());
});

it('times never fall along a channel, so that no reader passes a message by', async () => {
  await publishWhileAhead('user:cid');
  for (const data of [1, 2, 3]) await publish(server, { channel: 'user:cid', data });
  const rows = await database.query<{ is_falling: boolean }>(
    `select created_at < lag(created_at) over (order by seq) as is_falling from trunkline.messages where channel = 'user:cid'`,
  );
  expect(rows.filter((row) => row.is_falling)).toEqual([]);
  const cid = await cluster.connect(server, { user: 'cid' });
  await until('all came', () => cid.received.length === 3);
});

it('a cancelled message stays cancelled, though the clock that ended it was ahead', async () => {
  const before = await cluster.connect(server, { user: 'dee', deviceId: 'phone' });
  before.close();
  const { id } = await publish(server, { channel: 'user:dee', data: 'a mistake' });
  await server.rest('DELETE', `/v1/messages/${id}`);
  await database.query(`update trunkline.messages set expires_at = now() + interval '2 hours' where id = $1`, [id]);
  await publish(server, { channel: 'user:dee', data: 'the end' });
  const back = await cluster.connect(server, { user: 'dee', deviceId: 'phone' });
  await until('the end came', () => back.bodies('user:dee').includes('the end'));
  expect(back.bodies('user:dee')).toEqual(['the end']);
  expect(back.gaps).toMatchObject([{ fromSeq: 1, toSeq: 1, reason: 'cancelled' }]);
});

it.each([
  ['hours', AHEAD_MS],
  ['weeks, beyond every day that is prepared', 30 * 24 * 3_600_000],
])('a publish id is stored once in a channel whose time is %s ahead', async (name, aheadMs) => {
  const channel = `group:${name.slice(0, 5)}`;
  await publishWhileAhead(channel, aheadMs);
  const requests = [1, 2, 3].map(() => ({ channel, data: 1, publishId: 'once' }));
  const answers = [];
  for (const request of requests) answers.push(await publish(server, request));
  expect(answers.map(({ seq }) => seq)).toEqual([1, 1, 1]);
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
});
