import type { Client } from 'pg';
import { connectPlainly } from '../support/hostile-settings.js';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers, publish } from './publish.js';

const BURST = 5_000;
/** NOTIFY payloads end at 8,000 bytes. */
const LONGEST = 7_999;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let forger: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
  await cluster.start();
  forger = await connectPlainly({ connectionString: database.url, application_name: 'forger' });
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await forger.end();
  await cluster.end();
  await database.drop();
});

/** With numbers behind them, so that PostgreSQL does not fold equal payloads of one transaction into one. */
async function forge(payload: string, times = 1): Promise<void> {
  await forger.query(`select pg_notify($1, $2 || repeat(E'\\n', n % 50) || n) from generate_series(1, $3) as n`, [
    `trunkline_${server.instanceId}`,
    payload,
    times,
  ]);
}

async function forgeExactly(payload: string): Promise<void> {
  await forger.query('select pg_notify($1, $2)', [`trunkline_${server.instanceId}`, payload]);
}

/** Every backend reports what it did at the latest a second after. */
const REPORTED_MS = 1_500;

async function transactions(): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select (xact_commit + xact_rollback)::int as count from pg_stat_database where datname = current_database()`,
  );
  return row?.count ?? 0;
}

/** How many transactions all servers made while this was done and reported. */
async function transactionsDuring(work: () => Promise<void>): Promise<number> {
  const before = await transactions();
  await work();
  const reportedAt = performance.now() + REPORTED_MS;
  await until('statistics are reported', () => performance.now() > reportedAt);
  return (await transactions()) - before;
}

/** Other than of how PostgreSQL is set up. */
const warnings = (): string[] =>
  server.lines.filter((line) => /"level":(40|50|60)/.test(line) && !line.includes('synchronous_commit=off'));

it('garbage of any length, lists of channels and the sign of a beat deliver nothing and log nothing', async () => {
  const ann = await cluster.connect(server, { user: 'ann', acknowledges: true });
  await publish(server, { channel: 'user:ben', data: 'for ben alone' });
  const payloads = [
    '',
    '\n\n\n',
    'x'.repeat(LONGEST),
    '\u{1f600}'.repeat(1_999),
    '{"channel":"user:ann","seq":9007199254740993}',
    'user:ann\nuser:ben\nbroadcast',
    Array.from({ length: 700 }, (_, n) => `user:x${n}`)
      .join('\n')
      .slice(0, LONGEST),
    'user:ann\n'.repeat(888),
    '!',
    '__proto__\nconstructor',
    `'; drop schema trunkline cascade; --`,
  ];
  for (const payload of payloads) await forgeExactly(payload);
  await publish(server, { channel: 'user:ann', data: 'true' });
  await until('the true one came', () => ann.received.length > 0);
  expect(ann.raw.map(({ data }) => data)).toEqual(['true']);
  expect(ann.gaps).toEqual([]);
  expect(warnings()).toEqual([]);
});

it.each([
  ['channels that are read here', `user:cid\nbroadcast\n`],
  ['channels that nobody reads', `user:nobody\ngroup:nowhere\n`],
])('a burst of thousands of hints about %s makes no storm of reads, and delays no message', async (_, payload) => {
  const cid = await cluster.connect(server, { user: 'cid' });
  const bob = await cluster.connect(server, { user: 'bob' });
  const idle = await transactionsDuring(() => Promise.resolve());
  const received = cid.received.length;
  const forged = await transactionsDuring(async () => {
    for (const _ of numbers(1, 5)) await forge(payload, BURST / 5);
    await bob.must('publish', { channel: 'user:cid', type: 't', data: 'true' });
    await until('the true one came', () => cid.received.length === received + 1, 2_000);
  });
  // 20 reads a second of each channel at most, besides what an idle server does.
  expect(forged).toBeLessThan(idle * 3 + 200);
  expect(warnings()).toEqual([]);
});

it('a stream of forged announcements makes few beats', async () => {
  const before = await beats();
  const startedAt = performance.now();
  // Each in its own transaction, since PostgreSQL folds equal payloads of one.
  await forger.query(
    `do $$ begin for n in 1..3000 loop perform pg_notify('trunkline_${server.instanceId}', '!'); commit; end loop; end $$`,
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const reportedAt = performance.now() + REPORTED_MS;
  await until('statistics are reported', () => performance.now() > reportedAt);
  expect((await beats()) - before).toBeLessThan(10 * (seconds + REPORTED_MS / 1_000) + 10);
  expect(warnings()).toEqual([]);
});

async function beats(): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select n_tup_upd::int as count from pg_stat_user_tables where schemaname = 'trunkline' and relname = 'instances'`,
  );
  return row?.count ?? 0;
}
