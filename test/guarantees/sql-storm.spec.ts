import { Cluster } from '../support/cluster.js';
import { seeded } from '../support/seeded.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { runStorm, STORM_CHANNELS } from './sql-storm-run.js';

const random = seeded();

let database: TestDatabase;
let cluster: Cluster;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

it(`skips and reorders nothing of transactions that commit in another order than they began, seed ${random.seed}`, async () => {
  const [server] = await Promise.all([cluster.start(), cluster.start()]);
  const reader = await cluster.connect(server, { user: 'ann' });
  for (const channel of STORM_CHANNELS) await reader.must('join', { channel });
  const result = await runStorm({
    databaseUrl: database.url,
    received: reader.received,
    messages: 2_000,
    writers: 32,
    maxPerTransaction: 20,
    random,
  });
  expect(result).toMatchObject({ received: 2_000, skipped: 0, unexpected: 0, outOfOrder: 0, holes: 0 });
  expect(result.rolledBack).toBeGreaterThan(0);
});
