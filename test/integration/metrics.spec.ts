import { FlakyLink } from '../support/flaky-link.js';
import { Cluster } from '../support/cluster.js';
import { Scrape } from '../support/scrape.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const TOKEN = 'a-token-for-scrapes-only';
const OWN_PORT = { METRICS: 'on', METRICS_PORT: '0' };
/** Names that no label may hold. */
const CANARY = 'canary-4711';
/** Counted in themselves, or yes and no. */
const UNITLESS = [
  ...['trunkline_ready', 'trunkline_listening', 'trunkline_lease_held', 'trunkline_peers', 'trunkline_wake_reads'],
  ...['trunkline_live_channels', 'trunkline_table_partitions', 'trunkline_waiting_publishes'],
  'trunkline_transports',
  ...['nodejs_active_resources', 'nodejs_active_handles', 'nodejs_active_requests'],
];
const UNITS = /_(seconds|bytes|total|messages|connections|statements|info|fds)$/;

let test: TestDatabase;
let link: FlakyLink;
let cluster: Cluster;

beforeEach(async () => {
  test = await createTestDatabase();
  link = await FlakyLink.start(test.url);
  cluster = new Cluster(link.url);
});
afterEach(async () => {
  try {
    await cluster.end();
  } finally {
    await link.stop();
    await test.drop();
  }
});

describe('Who may read metrics', () => {
  it('is nobody unless they are switched on', async () => {
    const server = await cluster.start();
    expect(await status(`${server.url}/metrics`)).toBe(404);
  });

  it('is, on the main port, who shows the token', async () => {
    const server = await cluster.start({ METRICS: 'on', METRICS_TOKEN: TOKEN });
    const url = metricsUrl(server);
    expect(url).toBe(`${server.url}/metrics`);
    expect(await status(url)).toBe(401);
    expect(await status(url, { authorization: `Bearer ${TOKEN}x` })).toBe(401);
    expect(await status(url, { authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(server.lines.join('')).not.toContain(TOKEN);
  });

  it('is, on a port of their own, whoever reaches it: by default this machine', async () => {
    const server = await cluster.start(OWN_PORT);
    const url = metricsUrl(server);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(await status(url)).toBe(200);
    expect(await status(`${server.url}/metrics`)).toBe(404);
    expect(await status(new URL('/health', url).href)).toBe(404);
    const posted = await fetch(url, { method: 'POST' });
    expect(posted.status).toBe(405);
  });
});

describe('Metrics', () => {
  it('each say in words what they are, and in their names in what unit', async () => {
    const scrape = await Scrape.of(metricsUrl(await cluster.start(OWN_PORT)));
    expect(scrape.names.length).toBeGreaterThan(60);
    expect(scrape.names.filter((name) => scrape.helpOf(name).length < 10)).toEqual([]);
    expect(scrape.names.filter((name) => !UNITS.test(name) && !UNITLESS.includes(name))).toEqual([]);
    const ours = scrape.names.filter((name) => !/^(process|nodejs)_/.test(name));
    expect(ours.filter((name) => !name.startsWith('trunkline_'))).toEqual([]);
    const counters = ours.filter((name) => scrape.typeOf(name) === 'counter');
    expect(counters.filter((name) => !name.endsWith('_total'))).toEqual([]);
  });

  it('follow messages from the publish to the acknowledgement, over two instances', async () => {
    const [one, two] = await Promise.all([cluster.start(OWN_PORT), cluster.start(OWN_PORT)]);
    await until('the instances know each other', async () => (await scrapeOf(one)).value('trunkline_peers') === 1);
    const ann = await cluster.connect(one, { user: `ann-${CANARY}`, deviceId: CANARY });
    const bob = await cluster.connect(two, { user: 'bob' });
    const channel = `group:${CANARY}`;
    for (const client of [ann, bob]) await client.must('join', { channel });
    const hello = { channel, type: CANARY, data: CANARY, publishId: CANARY };
    for (let turn = 0; turn < 20; turn++) await ann.must('publish', { channel, type: CANARY, data: turn });
    for (let turn = 0; turn < 2; turn++) await ann.must('publish', hello);
    await until('both got all', () => ann.received.length === 21 && bob.received.length === 21);
    const [there, here] = await until('all is acknowledged', async () => {
      const scrapes = [await scrapeOf(two), await scrapeOf(one)] as const;
      return scrapes.every((scrape) => scrape.value('trunkline_acks_total') === 21) && scrapes;
    });
    expect(
      values(
        here,
        ['stored', 'repeated'].map((result) => `trunkline_publishes_total{result="${result}"}`),
      ),
    ).toEqual([21, 1]);
    for (const scrape of [here, there]) {
      const counts = ['connections', 'connects_total', 'deliveries_total', 'pending_messages', 'lagging_connections'];
      expect(
        values(
          scrape,
          counts.map((name) => `trunkline_${name}`),
        ),
      ).toEqual([1, 1, 21, 0, 0]);
      expect(scrape.value('trunkline_publish_to_deliver_seconds_count')).toBeGreaterThan(0);
      expect(scrape.value('trunkline_commit_to_ack_seconds_count')).toBeGreaterThan(0);
    }
    expect(here.value('trunkline_append_batch_messages_sum')).toBe(22);
    expect(here.value('trunkline_publish_to_commit_seconds_count')).toBe(2);
    expect(here.value('trunkline_wakes_total')).toBeGreaterThan(0);
    expect(there.value('trunkline_hints_received_total')).toBeGreaterThan(0);
    expect(there.value('trunkline_wake_reads_count')).toBeGreaterThan(0);
    expect(here.value('trunkline_statement_duration_seconds_count{statement="append_messages"}')).toBeGreaterThan(0);
    for (const { text } of [here, there]) expect(text).not.toContain(CANARY);
  });

  it('tell why connections fail and end, and which requests are refused', async () => {
    const server = await cluster.start({ ...OWN_PORT, MAX_CONNECTIONS_PER_USER: '1' });
    const ann = await cluster.connect(server, { user: 'ann', grants: [] });
    await expect(cluster.connect(server, { user: 'ann' })).rejects.toThrow('4007');
    await expect(cluster.connect(server, { user: 'bob', token: 'nonsense' })).rejects.toThrow('2002');
    await ann.ask('publish', { channel: 'user:bob', type: 'x', data: 1 });
    await server.rest('POST', '/v1/messages', '{');
    ann.close();
    const scrape = await until('she has left', async () => {
      const now = await scrapeOf(server);
      return now.value('trunkline_connections') === 0 && now;
    });
    const failures = ['USER_FULL', 'TOKEN_INVALID', 'TOKEN_EXPIRED'];
    expect(
      values(
        scrape,
        failures.map((reason) => `trunkline_connect_failures_total{reason="${reason}"}`),
      ),
    ).toEqual([1, 1, 0]);
    const faults = ['FORBIDDEN', 'BAD_JSON'].map((errorName) => `trunkline_request_faults_total{fault="${errorName}"}`);
    expect(values(scrape, faults)).toEqual([1, 1]);
    expect(scrape.value('trunkline_disconnects_total{reason="client_namespace_disconnect"}')).toBe(1);
  });

  it('tell what waits for devices that are away, in the outbox and among the dead', async () => {
    const server = await cluster.start(OWN_PORT);
    const bob = await cluster.connect(server, { user: 'bob' });
    bob.close();
    await until('he has left', async () => (await scrapeOf(server)).value('trunkline_connections') === 0);
    const other = await cluster.start(OWN_PORT);
    for (let turn = 0; turn < 3; turn++)
      await other.rest('POST', '/v1/messages', { channel: 'user:bob', type: 'x', data: turn });
    const scrape = await scrapeOf(other);
    const waiting = ['undelivered_messages', 'outbox_due_messages', 'dead_letter_messages'];
    expect(
      values(
        scrape,
        waiting.map((name) => `trunkline_${name}`),
      ),
    ).toEqual([3, 0, 0]);
    expect(scrape.value('trunkline_table_size_bytes{table="messages"}')).toBeGreaterThan(8_192);
    expect(scrape.value('trunkline_table_partitions{table="messages"}')).toBeGreaterThan(3);
  });

  it('are answered while the database is out of reach, and say so', async () => {
    const server = await cluster.start(OWN_PORT);
    link.cut();
    const scrape = await until('LISTEN is missed', async () => {
      const startedAt = performance.now();
      const now = await scrapeOf(server);
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      return now.value('trunkline_listening') === 0 && now;
    });
    expect(scrape.value('trunkline_undelivered_messages')).toBeUndefined();
  });
});

function scrapeOf(server: Server): Promise<Scrape> {
  return Scrape.of(metricsUrl(server));
}

function metricsUrl({ lines }: Server): string {
  const serving = lines.find((line) => line.includes('"msg":"serving"')) ?? '{}';
  return (JSON.parse(serving) as { metrics: string }).metrics;
}

function values(scrape: Scrape, series: readonly string[]): (number | undefined)[] {
  return series.map((one) => scrape.value(one));
}

async function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response.status;
}
