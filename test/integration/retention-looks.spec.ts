import { Client } from 'pg';
import { Devices, Retention } from '#message-persistence';
import { openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let test: TestDatabase;
let instance: OpenLog;

beforeEach(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
  await new Devices(instance.database).open({ user: 'ada', deviceId: 'phone' });
});
afterEach(async () => {
  await instance.database.close();
  await test.drop();
});

it('a run that ends at days that take long to look at, the next one continues behind them', async () => {
  for (const age of [23, 22, 21, 20]) await makeDay(age);
  for (const age of [23, 22, 21]) await storeForAda(age);
  const hurried = new Retention(instance.database, { retentionDays: 7, dedupeHours: 24, lookMs: 0 });
  const looks = [];
  for (let run = 0; run < 5; run++) looks.push(await hurried.dropPartitions('messages'));
  expect(looks.map(({ dropped, kept }) => [...dropped, ...kept])).toEqual([
    [`${await dayOf(23)}: undelivered messages`],
    [`${await dayOf(22)}: undelivered messages`],
    [`${await dayOf(21)}: undelivered messages`],
    [await dayOf(20)],
    [`${await dayOf(23)}: undelivered messages`],
  ]);
});

it('a day whose look was cancelled, as by its time limit, is a failure, and holds up none behind it', async () => {
  for (const age of [21, 20]) await makeDay(age);
  const [slow, quick] = [await dayOf(21), await dayOf(20)];
  const holder = new Client({ connectionString: test.url });
  await holder.connect();
  try {
    await holder.query(`begin; lock table trunkline.${slow}`);
    const dropping = new Retention(instance.database, { retentionDays: 7, dedupeHours: 24 }).dropPartitions('messages');
    await until('the look was cancelled', async () => {
      const cancelled = await test.query(
        `select pg_cancel_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query ~ 'has_undelivered'`,
      );
      return cancelled.length > 0;
    });
    const { dropped, kept, failed } = await dropping;
    expect({ dropped, kept }).toEqual({ dropped: [quick], kept: [] });
    expect(failed).toEqual([expect.stringMatching(`^${slow}: canceling statement`)]);
  } finally {
    await holder.end();
  }
});

async function storeForAda(ageDays: number): Promise<void> {
  await test.query(
    `insert into trunkline.messages (channel, seq, id, type, body, created_at)
     values ('user:ada', $1::int, gen_random_uuid(), 't', '1', now() - make_interval(days => $1::int))`,
    [ageDays],
  );
}

async function makeDay(ageDays: number): Promise<void> {
  await test.query(`select trunkline.make_partition('messages', (now() at time zone 'utc')::date - $1::int)`, [
    ageDays,
  ]);
}

async function dayOf(ageDays: number): Promise<string> {
  const [row] = await test.query<{ name: string }>(
    `select 'messages' || to_char((now() at time zone 'utc')::date - $1::int, '_YYYY_MM_DD') as name`,
    [ageDays],
  );
  return row?.name ?? '';
}
