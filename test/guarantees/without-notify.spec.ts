import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers } from './publish.js';

const PROMISED_MS = 2_000;

let database: TestDatabase;
let cluster: Cluster;
let here: Server;
let there: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { NOTIFY: 'off' });
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

it('with NOTIFY off, messages from a socket, SQL and a schedule reach the other instance within two seconds', async () => {
  const ann = await cluster.connect(there, { user: 'ann' });
  const bob = await cluster.connect(here, { user: 'bob' });
  for (const data of numbers(1, 3)) {
    await bob.must('publish', { channel: 'user:ann', type: 't', data: `socket ${data}` });
    await until('it came from the socket', () => ann.bodies('user:ann').includes(`socket ${data}`), PROMISED_MS);
    await database.query(`select trunkline.publish('user:ann', 't', to_jsonb($1::text))`, [`sql ${data}`]);
    await until('it came from SQL', () => ann.bodies('user:ann').includes(`sql ${data}`), PROMISED_MS);
  }
  const sendAt = new Date().toISOString();
  await bob.must('schedule', { channel: 'user:ann', type: 't', data: 'due', sendAt });
  await until('it came from the schedule', () => ann.bodies('user:ann').includes('due'), PROMISED_MS);
});
