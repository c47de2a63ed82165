import { Client } from 'pg';
import { Cluster } from '../support/cluster.js';
import { inDays } from '../support/in-days.js';
import { runCli, type CliRun } from '../support/run-cli.js';
import { JWT_SECRET, type Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/*
 * What logical replication leaves: rows without their sequences, and, where tables were copied at different moments,
 * channels behind their messages and cursors.
 */
let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

const LATER = { channel: 'user:ann', type: 't', data: 1, sendAt: inDays(300) };

async function schedule(): Promise<{ status: number; code: number | undefined }> {
  const { status, body } = await server.rest('POST', '/v1/messages/scheduled', LATER);
  return { status, code: (body as { error?: { code: number } }).error?.code };
}

/** As it is where rows were copied and the sequence was not. */
async function setBack(): Promise<void> {
  await database.query(`select setval(pg_get_serial_sequence('trunkline.outbox', 'id'), 1, false)`);
}

function afterRestore(...args: string[]): Promise<CliRun> {
  return runCli(['after-restore', ...args], { DATABASE_URL: database.url, JWT_SECRET });
}

it('a number that is taken already is our fault, and no request’s', async () => {
  for (let n = 0; n < 3; n++) expect(await schedule()).toMatchObject({ status: 200 });
  await setBack();
  expect(await schedule()).toEqual({ status: 500, code: 5_000 });
});

it('publish() from SQL goes through, and mends the sequence for all', async () => {
  await setBack();
  await database.query(
    `select trunkline.publish('user:ann', 't', '1', jsonb_build_object('sendAt', now() + interval '300 days'))`,
  );
  expect(await schedule()).toMatchObject({ status: 200 });
});

it('an instance mends sequences at its start, and says so', async () => {
  await setBack();
  const next = await cluster.start();
  expect(next.lines.join('\n')).toContain('a sequence was behind its table');
  expect(await schedule()).toMatchObject({ status: 200 });
});

it('after-restore puts sequences and numbers of channels right, says what it did, and then finds nothing', async () => {
  const ben = await cluster.connect(server, { user: 'ben', deviceId: 'phone' });
  for (const data of [1, 2, 3]) await ben.must('publish', { channel: 'user:ben', type: 't', data });
  await until('he has them', () => ben.received.length === 3);
  await ben.must('ack', { 'user:ben': 3 });
  ben.close();
  await setBack();
  await database.query(`update trunkline.channels set last_seq = 1, last_at = '-infinity' where channel = 'user:ben'`);
  await database.query(`insert into trunkline.cursors values ('ben', 'lost', 'group:lost', 7)`);
  const first = await afterRestore();
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(/trunkline\.outbox_id_seq: was at 0, now at \d+/);
  expect(first.stdout).toMatch(/1 channels were behind trunkline\.messages_\d{4}_\d{2}_\d{2}, now at its end/);
  expect(first.stdout).toMatch(/[12] channels were behind trunkline\.cursors, now at its end/);
  expect(await afterRestore()).toMatchObject({ code: 0, stdout: 'nothing to mend\n' });
  expect(await schedule()).toMatchObject({ status: 200 });
  const { body } = await server.rest('POST', '/v1/messages', { channel: 'user:ben', type: 't', data: 4 });
  expect(body).toMatchObject({ seq: 4 });
  const lost = await server.rest('POST', '/v1/messages', { channel: 'group:lost', type: 't', data: 8 });
  expect(lost.body).toMatchObject({ seq: 8 });
});

it('--put-forward leaves room for what was handed out and lost', async () => {
  const before = await server.rest('POST', '/v1/messages', { channel: 'user:cid', type: 't', data: 1 });
  const { stdout } = await afterRestore('--put-forward', '1000', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ sequences: [], raised: [] });
  const after = await server.rest('POST', '/v1/messages', { channel: 'user:cid', type: 't', data: 2 });
  expect(after.body).toMatchObject({ seq: (before.body as { seq: number }).seq + 1_001 });
  expect(await afterRestore('--put-forward', '-1')).toMatchObject({ code: 2 });
});

it('--put-forward takes the channels in the order in which appending does, so that neither waits for the other', async () => {
  await database.query(
    `insert into trunkline.channels (channel, last_seq, last_at)
     select 'group:in-order-' || n, 1, now() from generate_series(999, 100, -1) as n`,
  );
  const publisher = new Client(database.url);
  await publisher.connect();
  const take = (name: string) =>
    publisher.query(`select from trunkline.channels where channel = $1 for update`, [`group:in-order-${name}`]);
  try {
    await publisher.query('begin');
    await take('100');
    const putForward = afterRestore('--put-forward', '1000');
    await until('it waits for the publisher', async () => {
      const rows = await database.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    await publisher.query(`set local lock_timeout = '500ms'`);
    await take('999');
    await publisher.query('commit');
    expect(await putForward).toMatchObject({ code: 0, stderr: '' });
  } finally {
    await publisher.end();
  }
  const seqs = await database.query(
    `select distinct last_seq::int as seq from trunkline.channels where channel like 'group:in-order-%'`,
  );
  expect(seqs).toEqual([{ seq: 1_001 }]);
});
