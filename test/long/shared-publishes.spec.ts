import { Cluster } from '../support/cluster.js';
import { Scrape } from '../support/scrape.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const LIMIT = 100;
/** A second, on each instance. */
const OFFERED = 100;
const LOAD_MS = 15_000;
const SETTLE_MS = 4_000;
const ENV = { METRICS: 'on', MAX_PUBLISHES_PER_USER_PER_S: String(LIMIT) };

let database: TestDatabase;
let cluster: Cluster;
let servers: Server[];

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, ENV);
  servers = await Promise.all([1, 2, 3].map(() => cluster.start()));
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

/** Publishes evenly for so long, whatever the answers are. */
class PublishLoad {
  offered = 0;
  readonly refusals: { code: number; retryAfterMs?: number | undefined }[] = [];
  /** The longest that a publish was on its way. */
  latencyMs = 0;
  private readonly startedAt = performance.now();

  constructor(
    private readonly client: TestClient,
    private readonly perS: number,
  ) {}

  /** Offers what is due by now. */
  go(): void {
    const due = Math.floor(((performance.now() - this.startedAt) * this.perS) / 1_000);
    for (; this.offered < due; this.offered++) {
      const request = { channel: `user:${this.client.ready?.user}`, type: 't', data: this.offered };
      const sentAt = performance.now();
      this.client.socket.emit('publish', request, (answer: { ok: boolean; error: PublishLoad['refusals'][number] }) => {
        if (answer.ok) this.latencyMs = Math.max(this.latencyMs, performance.now() - sentAt);
        else this.refusals.push(answer.error);
      });
    }
  }
}

async function run(what: string, loads: readonly PublishLoad[], ms: number): Promise<void> {
  const endsAt = performance.now() + ms;
  const isOver = (): boolean => {
    for (const load of loads) load.go();
    return performance.now() > endsAt;
  };
  await until(what, isOver, ms + 5_000);
}

type Accepted = {
  /** In a second by the clock of the database, which stores them a little later than they are accepted. */
  most: number;
  /** In a second less the time they were on their way at most: all of these were accepted within one second. */
  surely: number;
  average: number;
};

/** What was stored of a user's messages in a span of the last seconds. */
async function accepted(user: string, ms: number, latencyMs: number): Promise<Accepted> {
  const seconds = Math.max(0, 0.999_999 - latencyMs / 1_000);
  const [row] = await database.query<Accepted>(
    `with span as (
       select extract(epoch from created_at) as at from trunkline.messages
        where channel = $1 and created_at > clock_timestamp() - $2 * interval '1 millisecond'
     ), windows as (
       select count(*) over (order by at range between 0.999999 preceding and current row) as most,
              count(*) over (order by at range between $3::numeric preceding and current row) as surely from span
     )
     select (select max(most) from windows)::int as most, (select max(surely) from windows)::int as surely, (select count(*) from span) / ($2::float8 / 1000) as average`,
    [`user:${user}`, ms, seconds],
  );
  return row ?? { most: 0, surely: 0, average: 0 };
}

async function statements(): Promise<number> {
  const scrapes = await Promise.all(servers.map(({ url }) => Scrape.of(`${url}/metrics`)));
  const name = 'trunkline_statement_duration_seconds_count{statement="lease_rates"}';
  return scrapes.reduce((sum, scrape) => sum + (scrape.value(name) ?? 0), 0);
}

const table: string[] = [];
function show(what: string, { most, surely, average }: Accepted, checks: number, asked: number): void {
  const rates = [`most in a second ${surely} (by the time stored ${most})`, `average ${average.toFixed(1)}`];
  const columns = [...rates, `${checks} checks`, `${asked} statements`];
  table.push([what, ...columns].join(' | '));
}
afterAll(() => void process.stderr.write(`${table.join('\n')}\n`));

async function flood(what: string, user: string): Promise<void> {
  const clients = await Promise.all(servers.map((server, n) => cluster.connect(server, { user, deviceId: `d${n}` })));
  const loads = clients.map((client) => new PublishLoad(client, OFFERED));
  const before = await statements();
  await run('the load has settled', loads, SETTLE_MS);
  await run('the load is over', loads, LOAD_MS);
  const stored = await accepted(user, LOAD_MS, Math.max(...loads.map(({ latencyMs }) => latencyMs)));
  const asked = (await statements()) - before;
  const checks = loads.reduce((sum, { offered }) => sum + offered, 0);
  show(what, stored, checks, asked);
  expect(stored.surely).toBeLessThanOrEqual(LIMIT * 1.05);
  expect(stored.average).toBeGreaterThanOrEqual(LIMIT * 0.95);
  expect(asked).toBeLessThanOrEqual(checks / 50);
  for (const { refusals } of loads) {
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set([4010]));
    for (const { retryAfterMs } of refusals) expect(retryAfterMs).toBeGreaterThan(0);
  }
}

it('a user who publishes three times its limit on three instances gets its limit, for a statement in 50 publishes', async () => {
  await flood('300/s over 3 instances', 'ann');
});

it('also after one instance was killed and another started', async () => {
  await servers.pop()?.end('SIGKILL');
  servers.push(await cluster.start());
  await flood('after a restart', 'ben');
});

it('a user on one instance gets all of its limit at once, in a burst or evenly, and far below it causes no statement', async () => {
  const [server] = servers;
  if (!server) throw new Error('no server');
  const ann = await cluster.connect(server, { user: 'cid' });
  const slow = await cluster.connect(server, { user: 'dee' });
  const before = await statements();
  for (let n = 0; n < 3; n++) await slow.must('publish', { channel: 'user:dee', type: 't', data: n }).then(pause);
  expect(await statements()).toBe(before);
  const burst = Array.from({ length: 60 }, (_, data) => ann.ask('publish', { channel: 'user:cid', type: 't', data }));
  expect((await Promise.all(burst)).map(({ ok }) => ok)).toEqual(burst.map(() => true));
  // One for the burst, and those that renew or end what the floods before had leased.
  expect((await statements()) - before).toBeLessThanOrEqual(4);
  await until('they came in their order', () => ann.received.length === 60);
  expect(ann.bodies('user:cid')).toEqual(burst.map((_, data) => data));
});

/** Until what was published has left the window. */
async function pause(): Promise<void> {
  const endsAt = performance.now() + 1_100;
  await until('a second has passed', () => performance.now() > endsAt);
}

it('what several API keys publish over REST is counted for each of them, and each item of a batch', async () => {
  const keys = { API_KEYS: 'one:an-api-key-for-one,two:an-api-key-for-two', MAX_PUBLISHES_PER_KEY_PER_S: '5' };
  const server = await cluster.start(keys);
  const messages = Array.from({ length: 400 }, (_, data) => ({ channel: 'user:eve', type: 't', data }));
  const { body } = await server.rest('POST', '/v1/messages', { messages }, 'an-api-key-for-one');
  const results = (body as { results: { ok: boolean; error?: unknown }[] }).results;
  expect(results.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(1);
  expect(results.filter(({ ok }) => ok).length).toBeLessThanOrEqual(5);
  expect(results.at(-1)?.error).toMatchObject({ code: 4010, retryAfterMs: expect.any(Number) });
  const alone = await server.rest('POST', '/v1/messages', messages[0], 'an-api-key-for-one');
  expect(alone).toMatchObject({ status: 429, body: { error: { code: 4010 } } });
  expect(await server.rest('POST', '/v1/messages', messages[0], 'an-api-key-for-two')).toMatchObject({ status: 200 });
});
