import { ask as askAsOperator, ADMIN_API_KEYS, KEYS } from '../admin/operator.js';
import { Cluster } from '../support/cluster.js';
import { Scrape } from '../support/scrape.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/* These tests show how often strangers and keys may ask over HTTP. */

const FAST = 'the-key-of-a-busy-back-end';
const SLOW = 'the-key-of-a-quiet-back-end';
const GUESS = 'a-guess-at-somebody-elses-key';

let database: TestDatabase;
let cluster: Cluster;

beforeEach(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, {
    ADMIN_API_KEYS,
    API_KEYS: `fast:${FAST},slow:${SLOW}`,
    METRICS: 'on',
    LOG_LEVEL: 'trace',
  });
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function get(server: Server, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const init = body === undefined ? { headers } : { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body };
  const response = await fetch(server.url + path, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const key = (secret: string) => ({ authorization: `Bearer ${secret}` });
const times = <T>(count: number, work: (turn: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, turn) => work(turn)));
const count = (answers: readonly Answer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

const PATH = '/v1/users/ann/sessions';

describe('A key', () => {
  it('asks as often as it may, is told how much that is and when to come back, and takes nothing from another', async () => {
    const server = await cluster.start({ KEY_REQUESTS_PER_S: '10' });
    const calm = await get(server, PATH, key(SLOW));
    expect(calm.headers.get('ratelimit-policy')).toBe('"key-requests";q=20;w=2');
    expect(calm.headers.get('ratelimit')).toMatch(/^"key-requests";r=19;t=\d+$/);
    const startedAt = performance.now();
    const answers = await times(100, () => get(server, PATH, key(FAST)));
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(count(answers, 200)).toBeGreaterThanOrEqual(20);
    expect(count(answers, 200)).toBeLessThanOrEqual(20 + Math.ceil(10 * seconds));
    expect(count(answers, 200) + count(answers, 429)).toBe(100);
    const [refused] = answers.filter(({ status }) => status === 429);
    expect(JSON.parse(refused?.text ?? '')).toMatchObject({
      ok: false,
      error: { code: 4010, retryable: true, retryAfterMs: expect.any(Number) },
    });
    expect(Object.fromEntries(refused?.headers ?? [])).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
      'ratelimit-policy': '"key-requests";q=20;w=2',
      ratelimit: expect.stringMatching(/^"key-requests";r=0;t=[1-9]\d*$/),
      connection: 'close',
    });
    expect((await get(server, PATH, key(SLOW))).status).toBe(200);
    await until('its bucket has filled a little', async () => (await get(server, PATH, key(FAST))).status === 200);
  });

  it('sends as many bytes as it may, said beforehand or not', async () => {
    const server = await cluster.start({ KEY_BYTES_PER_S: '10000' });
    const body = JSON.stringify({ channel: 'user:ann', type: 't', data: 'x'.repeat(10_000) });
    const answers = await times(10, () => get(server, '/v1/messages', key(FAST), body));
    expect(count(answers, 200)).toBeGreaterThanOrEqual(1);
    expect(count(answers, 200)).toBeLessThanOrEqual(4);
    const [refused] = answers.filter(({ status }) => status === 429);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"key-bytes";q=20000;w=2;qu="content-bytes"');
    expect((await get(server, '/v1/messages', key(SLOW), body)).status).toBe(200);
    const stream = () =>
      fetch(`${server.url}/v1/messages`, {
        method: 'POST',
        headers: { ...JSON_TYPE, ...key(SLOW) },
        body: new Blob([body]).stream(),
        duplex: 'half',
      });
    const statuses = await times(5, async () => (await stream()).status);
    expect(statuses).toContain(429);
  });
});

describe('A stranger', () => {
  it('asks for open pages as often as an address may, while probes and keys of the same address pass', async () => {
    const server = await cluster.start({ STRANGER_REQUESTS_PER_S: '5' });
    for (const path of ['/', '/nothing', '/docs-json', PATH]) {
      const answers = await times(60, () => get(server, path));
      expect([path, count(answers, 429) > 0]).toEqual([path, true]);
    }
    const probes = await times(200, () => get(server, '/health/live'));
    expect(count(probes, 200)).toBe(200);
    expect((await get(server, PATH, key(FAST))).status).toBe(200);
    const scrape = (): Promise<Scrape | undefined> => Scrape.of(`${server.url}/metrics`).catch(() => undefined);
    const metrics = await until('a stranger may ask again', scrape);
    expect(metrics.value('trunkline_limited_total{limit="address-requests"}')).toBeGreaterThan(0);
  });
});

describe('Wrong keys', () => {
  it('are answered 429 after some, also with another X-Forwarded-For each time, while a good key passes', async () => {
    const server = await cluster.start({ SUSPICIONS_PER_MINUTE: '5' });
    const spoofed = (turn: number) => ({ 'x-forwarded-for': `203.0.113.${turn}` });
    const answers: Answer[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const path = turn % 2 === 0 ? PATH : '/admin/v1/status';
      answers.push(await get(server, path, { ...key(`${GUESS}-${turn}`), ...spoofed(turn) }));
    }
    expect([count(answers, 401), count(answers, 429)]).toEqual([5, 15]);
    expect(answers.at(-1)?.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
    expect((await get(server, PATH)).status).toBe(429);
    expect((await get(server, PATH, key(FAST))).status).toBe(200);
    expect((await get(server, '/admin/v1/status', key(KEYS.eyes))).status).toBe(200);
    const metrics = await Scrape.of(`${server.url}/metrics`);
    expect(metrics.value('trunkline_limited_total{limit="wrong-keys"}')).toBe(16);
    expect(metrics.value('trunkline_suspicions_total{reason="wrong-key"}')).toBe(20);
    expect(server.lines.filter((line) => line.includes(GUESS))).toEqual([]);
  });

  it('are held against each client behind a trusted proxy alone', async () => {
    const server = await cluster.start({ SUSPICIONS_PER_MINUTE: '5', TRUST_PROXY: '127.0.0.1' });
    const from = (address: string) => () => get(server, PATH, { ...key(GUESS), 'x-forwarded-for': address });
    expect(count(await times(20, from('203.0.113.1')), 401)).toBeLessThanOrEqual(5);
    expect((await from('203.0.113.2')()).status).toBe(401);
  });

  it('are listed for operators over all instances, and the keys nowhere', async () => {
    const [one, other] = await Promise.all([cluster.start(), cluster.start()]);
    for (const server of [one, other]) await times(3, () => get(server, PATH, key(GUESS)));
    const listed = await until('both have written', async () => {
      const body = (await askAsOperator(other, 'GET', '/suspects')).body as { suspects: { count: number }[] };
      return body.suspects[0]?.count === 6 && body;
    });
    expect(listed).toEqual({
      ok: true,
      suspects: [
        {
          address: '127.0.0.1',
          reason: 'wrong-key',
          count: 6,
          firstAt: expect.any(String),
          lastAt: expect.any(String),
        },
      ],
      next: null,
    });
    expect(JSON.stringify(await database.query('select * from trunkline.suspects'))).not.toContain(GUESS);
  });
});
