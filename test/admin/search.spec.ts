import { publish } from '../guarantees/publish.js';
import { Cluster } from '../support/cluster.js';
import { runCli } from '../support/run-cli.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { ADMIN_API_KEYS, ask, KEYS } from './operator.js';

interface Page {
  readonly messages: readonly { readonly id: string; readonly ended?: string }[];
  readonly next: string | null;
}

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ADMIN_API_KEYS });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function search(query: Record<string, string>): Promise<Page> {
  const { status, body } = await ask(server, 'GET', `/messages?${new URLSearchParams(query).toString()}`);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as Page;
}

async function idsOf(query: Record<string, string>): Promise<string[]> {
  return (await search(query)).messages.map(({ id }) => id);
}

it('finds messages by sender, recipient, channel and what became of them', async () => {
  const ann = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  await ann.must('join', { channel: 'group:tea' });
  await server.rest('PUT', '/v1/channels/group%3Atea/members/ben');
  const toGroup = await ann.must('publish', { channel: 'group:tea', type: 't', data: 1 });
  const toBen = await publish(server, { channel: 'user:ben' });
  const cancelled = await publish(server, { channel: 'user:ben' });
  await server.rest('DELETE', `/v1/messages/${cancelled.id}`);
  await publish(server, { channel: 'user:cid' });
  expect(await idsOf({ sender: 'ann' })).toEqual([toGroup.id]);
  expect(await idsOf({ recipient: 'ben' })).toEqual([cancelled.id, toBen.id, toGroup.id]);
  expect(await idsOf({ recipient: 'ben', state: 'queued' })).toEqual([toBen.id, toGroup.id]);
  expect(await idsOf({ recipient: 'ben', channel: 'user:ben', state: 'cancelled' })).toEqual([cancelled.id]);
  expect((await search({ state: 'cancelled' })).messages).toMatchObject([{ id: cancelled.id, ended: 'cancelled' }]);
  await until('ann has it', async () => (await idsOf({ recipient: 'ann', state: 'delivered' })).length === 1);
  await ann.must('leave', { channel: 'group:tea' });
  expect(await idsOf({ recipient: 'ann', state: 'delivered' })).toEqual([toGroup.id]);
  const args = ['messages', '--recipient', 'ben', '--state', 'queued'];
  const { stdout } = await runCli(args, { TRUNKLINE_URL: server.url, TRUNKLINE_ADMIN_KEY: KEYS.eyes });
  expect(stdout).toMatch(
    new RegExp(`^PUBLISHED .*\\n\\S+ +user:ben#1 +${toBen.id} .*\\n\\S+ +group:tea#1 +${toGroup.id} .*\\n$`),
  );
});

it('is bounded in time, and goes on page by page with nothing twice and nothing left out', async () => {
  const published = [];
  for (let n = 0; n < 7; n++) published.push((await publish(server, { channel: 'user:dee' })).id);
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await search({ channel: 'user:dee', limit: '3', ...(cursor === null ? {} : { cursor }) });
    expect(page.messages.length).toBeLessThanOrEqual(3);
    found.push(...page.messages.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== null);
  expect(found).toEqual(published.toReversed());
  await database.query(
    `update trunkline.messages set created_at = created_at - interval '90 minutes' where channel = 'user:dee' and seq <= 2`,
  );
  expect(await idsOf({ channel: 'user:dee' })).toHaveLength(5);
  const hour = 3_600_000;
  const [from, to] = [new Date(Date.now() - 2 * hour).toISOString(), new Date(Date.now() - hour).toISOString()];
  expect(await idsOf({ channel: 'user:dee', from, to })).toEqual([published[1], published[0]]);
});

it('says that nothing follows when a page is exactly full, also behind what does not match', async () => {
  const own = await publish(server, { channel: 'user:eve' });
  await publish(server, { channel: 'user:eve' });
  expect(await search({ channel: 'user:eve', limit: '1' })).toMatchObject({ next: expect.any(String) });
  expect(await search({ channel: 'user:eve', limit: '2' })).toMatchObject({ messages: [{}, {}], next: null });
  await server.rest('DELETE', `/v1/messages/${own.id}`);
  const cancelled = { channel: 'user:eve', state: 'cancelled', limit: '1' };
  expect(await search(cancelled)).toMatchObject({ messages: [{ id: own.id }], next: null });
});

it('looks at five hundred messages for one page, and says whether any follow', async () => {
  const insert = `insert into trunkline.messages (channel, seq, id, type, body, created_at)
                  select 'group:rare', n, gen_random_uuid(), 't', '1', now() from generate_series($1::int, $2::int) as n`;
  await database.query(insert, [1, 500]);
  const rare = { channel: 'group:rare', state: 'cancelled' };
  expect(await search(rare)).toEqual({ ok: true, messages: [], next: null });
  await database.query(insert, [501, 501]);
  const { next } = await search(rare);
  expect(next).toEqual(expect.any(String));
  expect(await search({ ...rare, cursor: String(next) })).toEqual({ ok: true, messages: [], next: null });
});

it.each([
  ['more than a day', { from: '2030-01-01T00:00:00Z', to: '2030-01-02T00:00:01Z' }, /24 hours/],
  ['an end before its beginning', { from: '2030-01-02T00:00:00Z', to: '2030-01-01T00:00:00Z' }, /before to/],
  ['a state that a message has for somebody only', { state: 'queued' }, /name the recipient/],
  ['a cursor of another list', { cursor: 'WyJhIl0' }, /cursor/],
])('refuses %s, and says so', async (_, query, says) => {
  const { status, body } = await ask(
    server,
    'GET',
    `/messages?${new URLSearchParams(query as Record<string, string>).toString()}`,
  );
  expect([status, body]).toMatchObject([
    400,
    { error: { code: 1000, message: expect.stringMatching(says) as string } },
  ]);
});
