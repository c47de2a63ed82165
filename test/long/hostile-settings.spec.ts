import { Cluster } from '../support/cluster.js';
import { healthOf } from '../support/health.js';
import { HOSTILE_SETTINGS } from '../support/hostile-settings.js';
import { createEmptyDatabase, makeHostile, query, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let cluster: Cluster;

beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(async () => {
  await cluster.end();
  await database.drop();
});

/** An application's session, which has to be allowed to write and keeps every other setting of the database. */
const sqlPublish = async (channel: string, data: string): Promise<void> => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c default_transaction_read_only=off');
  await query(url.href, `select trunkline.publish($1, 't', to_jsonb($2::text))`, [channel, data]);
};

/** On an empty database: the start, all ways in, delivery across instances, history, times, sessions, groups. */
async function holdsPromises(): Promise<void> {
  const [here, there] = await Promise.all([cluster.start(), cluster.start()]);
  const ann = await cluster.connect(here, { user: 'ann', deviceId: 'phone' });
  const bob = await cluster.connect(there, { user: 'bob' });
  for (const client of [ann, bob]) await client.must('join', { channel: 'group:tea' });
  for (const channel of ['user:bob', 'group:tea', 'broadcast']) {
    const sent = { channel, type: 't', data: 'socket', publishId: `${channel}-1` };
    const { id, seq } = await ann.must('publish', sent);
    expect(await ann.must('publish', sent)).toMatchObject({ id, seq });
    const rest = await here.rest('POST', '/v1/messages', { channel, type: 't', data: 'rest', ttlMs: 60_000 });
    expect(rest).toMatchObject({ status: 200 });
    await sqlPublish(channel, 'sql');
    await until(`all of ${channel} came`, () => bob.bodies(channel).length === 3);
    expect(bob.bodies(channel)).toEqual(['socket', 'rest', 'sql']);
  }
  await keepsTimes();
  const page = await bob.must('history', { channel: 'group:tea', afterSeq: 0 });
  expect(page.messages.map(({ data }) => data)).toEqual(['socket', 'rest', 'sql']);
  for (const { createdAt } of page.messages) expect(Math.abs(Date.now() - Date.parse(createdAt))).toBeLessThan(60_000);
  const { body } = await there.rest('GET', '/v1/users/ann/sessions');
  expect(body).toMatchObject({ ok: true, sessions: [{ deviceId: 'phone' }] });
  for (const server of [here, there]) expect(await healthOf(server, '/ready')).toMatchObject({ status: 200 });

  /** What is due comes, and what has expired does not. */
  async function keepsTimes(): Promise<void> {
    const later = { channel: 'user:cid', type: 't', data: 'due', sendAt: new Date(Date.now() + 500).toISOString() };
    expect(await here.rest('POST', '/v1/messages/scheduled', later)).toMatchObject({ status: 200 });
    const short = { channel: 'user:cid', type: 't', data: 'short-lived', ttlMs: 1 };
    expect(await here.rest('POST', '/v1/messages', short)).toMatchObject({ status: 200 });
    const cid = await cluster.connect(there, { user: 'cid' });
    await until('what was due came', () => cid.bodies('user:cid').includes('due'));
    expect(cid.bodies('user:cid')).toEqual(['due']);
  }
}

it.each(Object.keys(HOSTILE_SETTINGS))(
  'all promises hold on a database that sets: %s',
  async (settings) => {
    await makeHostile(database.url, settings);
    cluster = new Cluster(database.url);
    await holdsPromises();
  },
  90_000,
);

it('all promises hold when the URL and PGOPTIONS set what the database does not', async () => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c datestyle=German -c statement_timeout=1 -c work_mem=1MB');
  url.searchParams.set('lock_timeout', '1');
  cluster = new Cluster(url.href, { PGOPTIONS: '-c default_transaction_read_only=on -c timezone=Asia/Tokyo' });
  await holdsPromises();
}, 90_000);
