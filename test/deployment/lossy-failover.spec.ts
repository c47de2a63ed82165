import { Cluster } from '../support/cluster.js';
import { runCli } from '../support/run-cli.js';
import { JWT_SECRET } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

/*
 * What docs/operations.md says of a failover to an asynchronous standby: it lacks the last messages of the primary, and
 * would give their numbers out again, to clients who have seen those numbers.
 */
const INBOX = 'user:ann';
const STORED = 5;
const SEEN = 10;

let database: TestDatabase;
let cluster: Cluster;

beforeEach(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
});

afterEach(async () => {
  await cluster.end();
  await database.drop();
});

/** As the standby has it that got the first five. */
async function forgetTheRest(): Promise<void> {
  await database.query('delete from trunkline.messages where channel = $1 and seq > $2', [INBOX, STORED]);
  await database.query('update trunkline.channels set last_seq = $2 where channel = $1', [INBOX, STORED]);
  await database.query('update trunkline.cursors set delivered_seq = least(delivered_seq, $2) where channel = $1', [
    INBOX,
    STORED,
  ]);
}

/** Written down: acknowledgements follow a moment later. */
async function acknowledged(seq: number): Promise<void> {
  await until('her cursor is there', async () => {
    const [row] = await database.query<{ seq: number }>(
      "select delivered_seq::int as seq from trunkline.cursors where channel = $1 and device_id = 'phone'",
      [INBOX],
    );
    return row?.seq === seq;
  });
}

async function publish(client: TestClient, count: number, text: string): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    await client.must('publish', { channel: INBOX, type: 'note', data: `${text} ${n}` });
  }
}

it('loses nothing more when the numbers are put forward before the instances start', async () => {
  const before = await cluster.start();
  const bob = await cluster.connect(before, { user: 'bob' });
  const ann = await cluster.connect(before, { user: 'ann', deviceId: 'phone' });
  await publish(bob, SEEN, 'old');
  await until('ann has them', () => ann.position.get(INBOX) === SEEN);
  await acknowledged(SEEN);
  await before.end('SIGKILL');
  await forgetTheRest();
  const PUT_FORWARD = ['after-restore', '--put-forward', '1000000'];
  expect(await runCli(PUT_FORWARD, { DATABASE_URL: database.url, JWT_SECRET })).toMatchObject({ code: 0 });

  const after = await cluster.start();
  const author = await cluster.connect(after, { user: 'bob' });
  await publish(author, 3, 'new');
  const position = new Map([[INBOX, SEEN]]);
  const again = await cluster.connect(after, { user: 'ann', deviceId: 'phone', resume: { [INBOX]: SEEN } }, position);
  await until('ann has what is new', () => again.bodies(INBOX).length === 3);
  expect(again.bodies(INBOX)).toEqual(['new 1', 'new 2', 'new 3']);
  expect(again.gaps).toMatchObject([
    { channel: INBOX, fromSeq: SEEN + 1, toSeq: STORED + 1_000_000, reason: 'removed' },
  ]);
});

it('says in ready that a channel ends before what the client has seen, when the numbers were not put forward', async () => {
  const server = await cluster.start();
  const bob = await cluster.connect(server, { user: 'bob' });
  const ann = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  await publish(bob, SEEN, 'old');
  await until('ann has them', () => ann.position.get(INBOX) === SEEN);
  await acknowledged(SEEN);
  await server.end('SIGKILL');
  await forgetTheRest();

  const after = await cluster.start();
  const resume = { [INBOX]: SEEN };
  const again = await cluster.connect(after, { user: 'ann', deviceId: 'phone', resume }, new Map([[INBOX, SEEN]]));
  const inbox = again.ready?.channels.find(({ channel }) => channel === INBOX);
  expect(inbox).toMatchObject({ seq: STORED, lastSeq: STORED });
  // Which a client has to heed: the next message takes a number that it would drop as a repeat.
  await publish(again, 1, 'new');
  await until('it came over the wire', () => again.raw.length === 1);
  expect(again.raw[0]).toMatchObject({ seq: STORED + 1, data: 'new 1' });
  expect(again.received).toEqual([]);
});
