import type { HistoryPage } from '#protocol';
import { ADMIN_API_KEYS, ask as askAdmin } from '../admin/operator.js';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const MEGABYTE = 1_048_576;
const MESSAGES = 40;
const UNLIMITED_BYTES = { MAX_BYTES_PER_S: '0', MAX_BYTES_PER_S_PER_USER: '0' };
const CHANNEL = 'group:long';
const PATH = encodeURIComponent(CHANNEL);

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ann: TestClient;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { MAX_MESSAGE_BYTES: String(MEGABYTE), ...UNLIMITED_BYTES, ADMIN_API_KEYS });
  server = await cluster.start();
  ann = await cluster.connect(server, { user: 'ann' });
  for (let n = 1; n <= MESSAGES; n++) await publish(`${n} ${'x'.repeat(65_000)}`);
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function publish(data: string): Promise<void> {
  await ann.must('publish', { channel: CHANNEL, type: 'note', data });
}

type Order = 'asc' | 'desc';
type Page = Pick<HistoryPage, 'messages' | 'nextAfterSeq' | 'nextBeforeSeq'>;
type Ask = (order: Order, after: number | undefined, before: number | undefined) => Promise<Page>;

const overHttp = (ask: (path: string) => Promise<{ status: number; body: unknown }>): Ask => {
  return async (order, after, before) => {
    const bounds = Object.entries({ order, after, before, limit: 500 }).filter(([, value]) => value !== undefined);
    const { status, body } = await ask(`?${bounds.map(([name, value]) => `${name}=${value}`).join('&')}`);
    expect(status).toBe(200);
    return body as Page;
  };
};

const WAYS: [string, Ask][] = [
  [
    'history',
    (order, afterSeq, beforeSeq) => ann.must('history', { channel: CHANNEL, order, afterSeq, beforeSeq, limit: 500 }),
  ],
  ['REST', overHttp((query) => server.rest('GET', `/v1/channels/${PATH}/messages${query}`))],
  [
    'REST with what is gone',
    overHttp((query) => server.rest('GET', `/v1/channels/${PATH}/messages${query}&include=gone`)),
  ],
  ['the admin REST', overHttp((query) => askAdmin(server, 'GET', `/channels/${PATH}/messages${query}`))],
];

describe.each(WAYS)('a page of %s', (_, ask) => {
  it.each<Order>(['asc', 'desc'])('ends at 1 MB and leads on to everything, %s', async (order) => {
    const seqs: number[] = [];
    let pages = 0;
    let next: Page | undefined = { messages: [], nextAfterSeq: null, nextBeforeSeq: null };
    while (next) {
      const page: Page = await ask(order, next.nextAfterSeq ?? undefined, next.nextBeforeSeq ?? undefined);
      expect(JSON.stringify(page.messages).length).toBeLessThan(MEGABYTE + 1_000);
      expect(page.messages.length).toBeGreaterThan(0);
      seqs.push(...page.messages.map(({ seq }) => seq));
      pages += 1;
      next = (page.nextAfterSeq ?? page.nextBeforeSeq) === null ? undefined : page;
    }
    const all = Array.from({ length: MESSAGES }, (_unused, i) => i + 1);
    expect(seqs).toEqual(order === 'asc' ? all : all.reverse());
    expect(pages).toBe(3);
  });
});

it('a page holds a message that is longer than a page', async () => {
  const channel = 'group:longest';
  const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`name${i}`, 'v'.repeat(1_000)]));
  const longest = { channel, type: 'note', data: 'x'.repeat(MEGABYTE - 2), metadata };
  for (const message of [longest, { ...longest, data: 'short' }, longest]) await ann.must('publish', message);
  const seqs: number[][] = [];
  for (let afterSeq: number | null = 0; afterSeq !== null;) {
    const page: HistoryPage = await ann.must('history', { channel, afterSeq });
    seqs.push(page.messages.map(({ seq }) => seq));
    afterSeq = page.nextAfterSeq;
  }
  expect(seqs).toEqual([[1], [2], [3]]);
});
