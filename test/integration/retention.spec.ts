import { Client } from 'pg';
import { Devices, Groups, Retention, type ChannelPage } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { serviceRan } from '../support/service-ran.js';
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
    expect(await retention.makePartitions()).toEqual({ made: 15, kept: [], failed: [] });
    for (const table of TABLES) expect(await agesOf(table)).toEqual([1, 0, -1, -2, -3]);
    expect(await retention.makePartitions()).toEqual({ made: 0, kept: [], failed: [] });
  });

  it('are made once when several instances start at the same moment', async () => {
    const others = Array.from({ length: 4 }, () => openLog(test.url));
    const made = await Promise.all(
      others.map(({ database }) => new Retention(database, { retentionDays: 7, dedupeHours: 24 }).makePartitions()),
    );
    expect(made.reduce((sum, one) => sum + one.made, 0)).toBe(15);
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
    expect(await retention.makePartitions()).toEqual({ made: 15, kept: [], failed: [] });
    expect(await strays('messages')).toEqual({ stray: 0, count: 1 });
    expect(await strays('publish_ids')).toEqual({ stray: 0, count: 1 });
    expect(await instance.log.append(draft('user:ada', { publishId: 'x' }))).toMatchObject({ isRepeated: true });
    expect(await read('user:ada')).toMatchObject({ seq: 1 });
  });

  it('can be made and dropped while messages are appended', async () => {
    const appends = Array.from({ length: 300 }, () => instance.log.append(draft('user:ada')));
    for (const age of [20, 21]) await makePartition('messages', age);
    await retention.makePartitions();
    expect(await retention.dropPartitions('messages')).toMatchObject({
      dropped: [expect.anything(), expect.anything()],
    });
    await Promise.all(appends);
    const [row] = await test.query('select count(*)::int from trunkline.messages');
    expect(row).toEqual({ count: 300 });
  });

  it('are not made while somebody reads the default one, and readers hardly notice the try', async () => {
    await instance.log.append(draft('user:ada'));
    const dump = await readEverything();
    try {
      const making = retention.makePartitions();
      expect(await slowestMs(making, () => read('user:ada'))).toBeLessThan(1_000);
      expect(await making).toMatchObject({
        made: 0,
        kept: expect.arrayContaining([expect.stringMatching(/: in use$/)]),
      });
    } finally {
      await dump.end();
    }
    expect(await retention.makePartitions()).toMatchObject({ made: 15 });
    expect(await strays('messages')).toEqual({ stray: 0, count: 1 });
  });

  it('are made for the other days and tables when one cannot be', async () => {
    await test.query(`
      create function trap() returns event_trigger language plpgsql as $$
      begin
        if exists (
             select from pg_class where relname = 'messages_' || to_char(now() at time zone 'utc', 'YYYY_MM_DD')) then
          raise exception 'not today';
        end if;
      end $$;
      create event trigger trap on ddl_command_end execute function trap()`);
    const { made, failed } = await retention.makePartitions();
    expect({ made, failed }).toEqual({ made: 14, failed: [expect.stringMatching(/^messages of .*: not today$/)] });
  });

  it('are dropped but for those that cannot be', async () => {
    for (const age of [30, 20]) await makePartition('attempts', age);
    const oldest = await nameOf('attempts', 30);
    await test.query(`create view holder as select channel from trunkline.${oldest}`);
    const { dropped, failed } = await retention.dropPartitions('attempts');
    expect(dropped).toEqual([await nameOf('attempts', 20)]);
    expect(failed).toEqual([expect.stringContaining(`${oldest}: cannot drop table`)]);
  });

  it('that wait for somebody hold up none behind them, however many they are', async () => {
    const devices = new Devices(instance.database);
    await devices.open({ user: 'ada', deviceId: 'phone' });
    for (let age = 20; age < 33; age++) await makePartition('messages', age);
    for (let age = 21; age < 33; age++)
      await test.query(
        `insert into trunkline.messages (channel, seq, id, type, body, created_at)
         values ('user:ada', $1::int, gen_random_uuid(), 't', '1', now() - make_interval(days => $1::int))`,
        [age],
      );
    expect((await retention.dropPartitions('messages')).dropped).toEqual([await nameOf('messages', 20)]);
  });

  it('are dropped when all they hold is too old, oldest first', async () => {
    await retention.makePartitions();
    for (const age of [30, 9, 8, 7, 2]) for (const table of TABLES) await makePartition(table, age);
    const wouldDrop = await retention.dropPartitions('messages', true);
    expect(await agesOf('messages')).toEqual([30, 9, 8, 7, 2, 1, 0, -1, -2, -3]);
    expect(await retention.dropPartitions('messages')).toEqual(wouldDrop);
    for (const table of ['publish_ids', 'attempts'] as const) await retention.dropPartitions(table);
    // messages and attempts: older than 7 days; publish ids: older than a day
    expect(await agesOf('messages')).toEqual([7, 2, 1, 0, -1, -2, -3]);
    expect(await agesOf('attempts')).toEqual([7, 2, 1, 0, -1, -2, -3]);
    expect(await agesOf('publish_ids')).toEqual([1, 0, -1, -2, -3]);
  });

  it('are dropped ten at a time', async () => {
    for (let age = 20; age < 32; age++) await makePartition('attempts', age);
    expect((await retention.dropPartitions('attempts')).dropped).toHaveLength(10);
    expect(await agesOf('attempts')).toEqual([21, 20]);
  });

  it('stay while somebody reads them, and publishers hardly notice the try', async () => {
    await makePartition('messages', 20);
    const dump = await readEverything();
    try {
      const dropping = retention.dropPartitions('messages');
      // Far more than the 40 ms that the lock is waited for, and far less than the reader takes.
      expect(await slowestMs(dropping, () => instance.log.append(draft('user:ada')))).toBeLessThan(1_000);
      expect(await dropping).toMatchObject({ dropped: [], kept: [expect.stringMatching(/: in use$/)] });
    } finally {
      await dump.end();
    }
    expect((await retention.dropPartitions('messages')).dropped).toHaveLength(1);
  });

  describe('with messages past retention', () => {
    let devices: Devices;

    beforeEach(async () => {
      devices = new Devices(instance.database);
      await makePartition('messages', 20);
    });

    /** Appends, and moves it into the old partition. */
    async function appendLongAgo(channel: string, ttlMs: number | null = null): Promise<void> {
      await instance.log.append(draft(channel, { ttlMs }));
      await test.query(`update trunkline.messages set created_at = now() - interval '20 days' where channel = $1`, [
        channel,
      ]);
    }

    async function acknowledge(user: string, channel: string): Promise<void> {
      await test.query(
        `insert into trunkline.cursors (user_id, device_id, channel, delivered_seq) values ($1, 'phone', $2, 1)
         on conflict (user_id, device_id, channel) do update set delivered_seq = 1`,
        [user, channel],
      );
    }

    async function expectKept(): Promise<void> {
      expect(await retention.dropPartitions('messages')).toMatchObject({
        dropped: [],
        kept: [expect.stringMatching(/: undelivered messages$/)],
      });
    }

    async function expectDropped(given = retention): Promise<void> {
      expect((await given.dropPartitions('messages')).dropped).toHaveLength(1);
    }

    it('stay until a device has received what is in its inbox', async () => {
      await appendLongAgo('user:ada');
      await devices.open({ user: 'ada', deviceId: 'phone' });
      await expectKept();
      await acknowledge('ada', 'user:ada');
      await expectDropped();
    });

    it('stay until every member of a group has received it, whether its device has a cursor yet or not', async () => {
      for (const user of ['ada', 'ben']) await devices.open({ user, deviceId: 'phone' });
      for (const user of ['ada', 'ben']) await new Groups(instance.database).join({ channel: 'group:g', user });
      await appendLongAgo('group:g');
      await expectKept();
      await acknowledge('ada', 'group:g');
      await expectKept();
      await acknowledge('ben', 'group:g');
      await expectDropped();
    });

    it('stay for those who were there when it was broadcast', async () => {
      await devices.open({ user: 'ada', deviceId: 'phone' });
      await appendLongAgo('broadcast');
      await devices.open({ user: 'late', deviceId: 'phone' });
      await expectKept();
      await acknowledge('ada', 'broadcast');
      await expectDropped();
    });

    it('do not wait for who can never receive it: expired, or of users without a device', async () => {
      await devices.open({ user: 'ada', deviceId: 'phone' });
      await appendLongAgo('user:ada', 1);
      await appendLongAgo('user:nobody');
      await expectDropped();
    });

    describe('and past RETENTION_MAX_DAYS', () => {
      const bounded = (): Retention =>
        new Retention(instance.database, { retentionDays: 7, maxDays: 15, dedupeHours: 24 });

      beforeEach(async () => {
        await devices.open({ user: 'deaf', deviceId: 'phone' });
        await appendLongAgo('user:deaf');
      });

      it('go though a device is still to receive them, which meets a gap', async () => {
        await serviceRan(test, 30);
        expect(await bounded().dropPartitions('messages', true)).toMatchObject({ undelivered: [expect.any(String)] });
        const { dropped, undelivered } = await bounded().dropPartitions('messages');
        expect(dropped).toHaveLength(1);
        expect(undelivered).toEqual(dropped);
        await instance.log.append(draft('user:deaf'));
        const page = await read('user:deaf');
        expect(page?.entries).toMatchObject([{ kind: 'gap', fromSeq: 1, seq: 1, reason: 'removed' }, { seq: 2 }]);
      });

      it('stay as long as the service has not run for so many days since', async () => {
        await serviceRan(test, 30, 18);
        expect(await bounded().dropPartitions('messages')).toMatchObject({ dropped: [], undelivered: [] });
      });
    });

    it('go in any case if that is wanted', async () => {
      await devices.open({ user: 'ada', deviceId: 'phone' });
      await appendLongAgo('user:ada');
      await expectKept();
      await expectDropped(new Retention(instance.database, { retentionDays: 7, dedupeHours: 24, isForced: true }));
    });
  });

  it('leave everything else alone: no table of another name, no default partition', async () => {
    await test.query('create table trunkline.messages_1999_01_01 (x int)'); // of this name, but nobody's partition
    await retention.dropPartitions('messages');
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
    expect((await retention.dropPartitions('messages')).dropped).toHaveLength(1);
    const page = await read('user:ada');
    expect(page?.entries).toMatchObject([{ kind: 'gap', fromSeq: 1, seq: 1, reason: 'removed' }, { seq: 2 }]);
  });
});

describe('expired messages', () => {
  it('lose their body once they have been expired for a minute, and no others', async () => {
    for (const ttlMs of [null, 1, 1, 60_000]) await instance.log.append(draft('user:ada', { ttlMs }));
    await test.query(`update trunkline.messages set expires_at = now() - interval '61 seconds' where seq = 2`);
    expect(await retention.clearEnded()).toBe(1);
    const rows = await test.query(
      'select seq::int, body is not null as "hasBody", metadata from trunkline.messages order by seq',
    );
    expect(rows.map(({ seq, hasBody }) => hasBody && seq)).toEqual([1, false, 3, 4]);
    expect((await read('user:ada'))?.entries).toMatchObject([
      { seq: 1 },
      { kind: 'gap', seq: 3, reason: 'expired' },
      { seq: 4 },
    ]);
  });

  it('are cleared in batches until none is left; a dry run says what one batch is, and clears none', async () => {
    await Promise.all(Array.from({ length: 1_100 }, () => instance.log.append(draft('user:ada', { ttlMs: 1 }))));
    await test.query(`update trunkline.messages set expires_at = now() - interval '1 hour'`);
    expect(await retention.clearEnded(true)).toBe(1_000);
    expect(await retention.clearEnded()).toBe(1_100);
    expect(await retention.clearEnded()).toBe(0);
  });
});

async function makePartition(table: string, ageDays: number): Promise<void> {
  await test.query(`select trunkline.make_partition($1, (now() at time zone 'utc')::date - $2::int)`, [table, ageDays]);
}

async function nameOf(table: string, ageDays: number): Promise<string> {
  const [row] = await test.query<{ name: string }>(
    `select $1 || to_char((now() at time zone 'utc')::date - $2::int, '_YYYY_MM_DD') as name`,
    [table, ageDays],
  );
  return row?.name ?? '';
}

/** As a dump does: it holds ACCESS SHARE on every table until it is over. */
async function readEverything(): Promise<Client> {
  const reader = new Client({ connectionString: test.url });
  await reader.connect();
  await reader.query(`begin; select from trunkline.messages, trunkline.publish_ids, trunkline.attempts`);
  return reader;
}

/** How long the slowest call took, one after the other, until `done`. */
async function slowestMs(done: Promise<unknown>, call: () => Promise<unknown>): Promise<number> {
  let worstMs = 0;
  let isDone = false;
  void done.finally(() => (isDone = true));
  while (!isDone) {
    const startedAt = performance.now();
    await call();
    worstMs = Math.max(worstMs, performance.now() - startedAt);
  }
  return worstMs;
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
