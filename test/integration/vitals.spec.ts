import { JobHistory } from '#cleanup';
import { Outbox, Retention } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/* What /health looks at in the tables. */

let test: TestDatabase;
let opened: OpenLog;

beforeEach(async () => {
  test = await createTestDatabase();
  opened = openLog(test.url);
});
afterEach(async () => {
  await opened.database.close();
  await test.drop();
});

it('the age of a job is that of its last run without an error', async () => {
  const history = new JobHistory(opened.database);
  const run = { instanceId: 'i', durationMs: 1, rows: 0 };
  await history.record({ ...run, job: 'orphans', error: null });
  await test.query(`update trunkline.job_runs set finished_at = finished_at - interval '1 hour'`);
  await history.record({ ...run, job: 'orphans', error: 'failed' });
  const ages = await history.agesMs(['orphans', 'never']);
  expect(ages.get('orphans')).toBeGreaterThanOrEqual(3_600_000);
  expect(ages.get('orphans')).toBeLessThan(3_700_000);
  expect([ages.has('never'), ages.get('never')]).toEqual([true, undefined]);
});

it('the partitions ahead are those of the table that has fewest', async () => {
  const retention = new Retention(opened.database, { retentionDays: 7, dedupeHours: 24 });
  expect(await retention.partitionsAheadDays()).toBe(-1); // the template has none
  await retention.makePartitions();
  expect(await retention.partitionsAheadDays()).toBe(3);
  const [last] = await test.query<{ name: string }>(
    `select max(name) as name from trunkline.old_partitions('attempts', 'infinity') as name`,
  );
  await test.query(`drop table trunkline.${last?.name}`);
  expect(await retention.partitionsAheadDays()).toBe(2);
});

it('of the outbox it is the first message that is due, not one whose time is still to come, nor one put aside', async () => {
  const outbox = new Outbox(opened.database, { dedupeHours: 24, defaultTtlMs: { user: 0, group: 0, broadcast: 0 } });
  expect(await outbox.oldestDueMs()).toBe(0);
  await test.query(
    `select trunkline.publish('user:a', 't', '1', jsonb_build_object('sendAt', now() + interval '300 days'))`,
  );
  await test.query(`select trunkline.publish('user:a', 't', '1')`);
  await test.query(`update trunkline.outbox set error = 'refused' where due_at < now()`);
  expect(await outbox.oldestDueMs()).toBe(0);
  await test.query(`select trunkline.publish('user:a', 't', '1')`);
  await test.query(`update trunkline.outbox set created_at = created_at - interval '1 minute' where due_at < now()`);
  expect(await outbox.oldestDueMs()).toBeGreaterThanOrEqual(60_000);
});

it('of the channels it is the oldest message behind the positions, and none where everything was read', async () => {
  const { log } = opened;
  const first = await log.append(draft('user:ada'));
  const second = await log.append(draft('user:ada'));
  await test.query(`update trunkline.messages set created_at = created_at - interval '1 minute' where seq = 2`);
  const at = (fromSeq: number) => ({ channel: 'user:ada', fromSeq, since: undefined, epoch: 0 });
  expect(await log.oldestUnreadMs([])).toBe(0);
  expect(await log.oldestUnreadMs([at(second.seq), { ...at(0), channel: 'user:nobody' }])).toBe(0);
  expect(await log.oldestUnreadMs([at(second.seq), at(first.seq)])).toBeGreaterThanOrEqual(60_000);
});
