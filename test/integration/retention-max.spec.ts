import { Devices, Retention } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { serviceRan } from '../support/service-ran.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let instance: OpenLog;
let retention: Retention;

beforeEach(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
  retention = new Retention(instance.database, { retentionDays: 7, maxDays: 15, dedupeHours: 24 });
  // Of twenty days ago, and its device never acknowledges it.
  await test.query(`select trunkline.make_partition('messages', (now() at time zone 'utc')::date - 20)`);
  await new Devices(instance.database).open({ user: 'deaf', deviceId: 'phone' });
  await instance.log.append(draft('user:deaf'));
  await test.query(`update trunkline.messages set created_at = now() - interval '20 days'`);
});
afterEach(async () => {
  await instance.database.close();
  await test.drop();
});

it('past RETENTION_MAX_DAYS a day goes though a device is still to receive it, which meets a gap', async () => {
  await serviceRan(test, 30);
  expect(await retention.dropPartitions('messages', true)).toMatchObject({ undelivered: [expect.any(String)] });
  const { dropped, undelivered } = await retention.dropPartitions('messages');
  expect(dropped).toHaveLength(1);
  expect(undelivered).toEqual(dropped);
  await instance.log.append(draft('user:deaf'));
  const page = await instance.log.readPage({ channel: 'user:deaf', fromSeq: 0, since: undefined, epoch: 0 });
  expect(page?.entries).toMatchObject([{ kind: 'gap', fromSeq: 1, seq: 1, reason: 'removed' }, { seq: 2 }]);
});

it('before, it stays', async () => {
  await serviceRan(test, 30);
  const longer = new Retention(instance.database, { retentionDays: 7, maxDays: 25, dedupeHours: 24 });
  expect(await longer.dropPartitions('messages')).toMatchObject({ dropped: [], undelivered: [] });
});

it('days in which the service did not run do not count', async () => {
  await serviceRan(test, 30, 18);
  expect(await retention.dropPartitions('messages')).toMatchObject({ dropped: [], undelivered: [] });
});
