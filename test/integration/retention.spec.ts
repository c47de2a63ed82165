import { Retention, type ChannelPage } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const TABLES = ['messages', 'publish_ids', 'attempts'];

let test: TestDatabase;
let instance: OpenLog;
let retention: Retention;

beforeEach(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
  retention = new Retention(instance.database, { retentionDays: 7, dedupeHours: 24 });
});
afterEach(async () => {
  await instance.database.close();
  await test.drop();
});

describe('partitions', () => {
  it('are there from yesterday to three days ahead once made, and making them again changes nothing', async () => {
    expect(await retention.makePartitions()).toBe(15);
    for (const table of TABLES) expect(await agesOf(table)).toEqual([1, 0, -1, -2, -3]);
    expect(await retention.makePartitions()).toBe(0);
  });

  it('are made once when several instances start at the same moment', async () => {
    const others = Array.from({ length: 4 }, () => openLog(test.url));
    const made = await Promise.all(
      others.map(({ database }) => new Retention(database, { retentionDays: 7, dedupeHours: 24 }).makePartitions()),
    );
    expect(made.reduce((sum, count) => sum + count)).toBe(15);
    await Promise.all(others.map(({ database }) => database.close()));
  });

  it('take what is stored today, so that the default ones stay empty', async () => {
    await retention.makePartitions();
    await instance.log.append(draft('user:ada', { publishId: 'x' }));
    expect(await strays('messages')).toEqual({ stray: 0, count: 1 });
    expect(await strays('publish_ids')).toEqual({ stray: 0, count: 1 });
  });

  it('take along what was stored before they were there', async () => {
    await instance.log.append(draft('user:ada', { publishId: 'x' }));
    expect(await retention.makePartitions()).toBe(15);
    expect(await strays('messages')).toEqual({ stray: 0, count: 1 });
    expect(await strays('publish_ids')).toEqual({ stray: 0, count: 1 });
    expect(await instance.log.append(draft('user:ada', { publishId: 'x' }))).toMatchObject({ isRepeated: true });
    expect(await read('user:ada')).toMatchObject({ seq: 1 });
  });

  it('can be made and dropped while messages are appended', async () => {
    const appends = Array.from({ length: 300 }, () => instance.log.append(draft('user:ada')));
    for (const age of [20, 21]) await makePartition('messages', age);
    await retention.makePartitions();
    expect(await retention.dropPartitions()).toBe(2);
    await Promise.all(appends);
    const [row] = await test.query('select count(*)::int from trunkline.messages');
    expect(row).toEqual({ count: 300 });
  });

  it('are dropped when all they hold is too old, at most two of a table at a time, oldest first', async () => {
    await retention.makePartitions();
    for (const age of [30, 9, 8, 7, 2]) for (const table of TABLES) await makePartition(table, age);
    // messages and attempts: older than 7 days; publish ids: older than a day
    expect(await retention.dropPartitions()).toBe(6);
    expect(await agesOf('messages')).toEqual([8, 7, 2, 1, 0, -1, -2, -3]);
    expect(await agesOf('attempts')).toEqual([8, 7, 2, 1, 0, -1, -2, -3]);
    expect(await agesOf('publish_ids')).toEqual([8, 7, 2, 1, 0, -1, -2, -3]);
    while ((await retention.dropPartitions()) > 0);
    expect(await agesOf('messages')).toEqual([7, 2, 1, 0, -1, -2, -3]);
    expect(await agesOf('publish_ids')).toEqual([1, 0, -1, -2, -3]);
  });

  it('leave everything else alone: no table of another name, no default partition', async () => {
    await test.query('create table trunkline.messages_1999_01_01 (x int)'); // of this name, but nobody's partition
    await retention.dropPartitions();
    const tables = await test.query(
      `select relname from pg_class where relnamespace = 'trunkline'::regnamespace
          and relname in ('messages_1999_01_01', 'messages_default', 'publish_ids_default', 'attempts_default')`,
    );
    expect(tables).toHaveLength(4);
  });

  it('turn into a gap for readers when they are dropped', async () => {
    await makePartition('messages', 20);
    await instance.log.append(draft('user:ada'));
    await test.query(`update trunkline.messages set created_at = now() - interval '20 days'`);
    await instance.log.append(draft('user:ada'));
    expect(await retention.dropPartitions()).toBe(1);
    const page = await read('user:ada');
    expect(page?.entries).toMatchObject([{ kind: 'gap', fromSeq: 1, seq: 1, reason: 'removed' }, { seq: 2 }]);
  });
});

describe('expired messages', () => {
  it('are removed once they have been expired for a minute, and no others', async () => {
    for (const ttlMs of [null, 1, 1, 60_000]) await instance.log.append(draft('user:ada', { ttlMs }));
    await test.query(`update trunkline.messages set expires_at = now() - interval '61 seconds' where seq = 2`);
    expect(await retention.deleteExpired()).toBe(1);
    const rows = await test.query('select seq::int from trunkline.messages order by seq');
    expect(rows.map(({ seq }) => seq)).toEqual([1, 3, 4]);
  });

  it('are removed a thousand at a time, until none is left', async () => {
    await Promise.all(Array.from({ length: 1_100 }, () => instance.log.append(draft('user:ada', { ttlMs: 1 }))));
    await test.query(`update trunkline.messages set expires_at = now() - interval '1 hour'`);
    expect(await retention.deleteExpired()).toBe(1_000);
    expect(await retention.deleteExpired()).toBe(100);
    expect(await retention.deleteExpired()).toBe(0);
  });
});

async function makePartition(table: string, ageDays: number): Promise<void> {
  await test.query(`select trunkline.make_partition($1, (now() at time zone 'utc')::date - $2::int)`, [table, ageDays]);
}

/** How many rows there are, and how many of them in the default partition. */
async function strays(table: string): Promise<unknown> {
  const [row] = await test.query(
    `select count(*) filter (where tableoid = ('trunkline.' || $1 || '_default')::regclass)::int as stray, count(*)::int
       from trunkline.${table}`,
    [table],
  );
  return row;
}

/** Days since the day of each partition, oldest first. */
function read(channel: string): Promise<ChannelPage | undefined> {
  return instance.log.readPage({ channel, fromSeq: 0, since: undefined, epoch: 0 });
}

async function agesOf(table: string): Promise<unknown[]> {
  const rows = await test.query(
    `select (now() at time zone 'utc')::date - to_date(right(relname, 10), 'YYYY_MM_DD') as age
       from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = ('trunkline.' || $1)::regclass and relname !~ 'default$' order by relname`,
    [table],
  );
  return rows.map(({ age }) => age);
}
