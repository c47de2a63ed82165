import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { until } from '../../../test/support/until.js';
import { Database } from './database.js';
import type { PoolName } from './pools.js';
import { statement } from './statement.js';

const one = (pool: PoolName) => statement<{ one: number }>('one', pool, 'select 1 as one');
const sleep = (pool: PoolName) => statement<never>('sleep', pool, 'select pg_sleep($1)');
const INSERT = statement<never>('insert', 'jobs', `insert into trunkline.channels (channel) values ($1)`);

let test: TestDatabase;
let database: Database;
let lost: PoolName[];

beforeEach(async () => {
  test = await createTestDatabase();
  lost = [];
  database = new Database({
    url: test.url,
    poolSize: 1,
    applicationName: 'database-spec',
    onError: (pool) => lost.push(pool),
  });
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('Database', () => {
  it('gives bigint as a number', async () => {
    const rows = await database.rows(
      statement<{ seq: number }>('seq', 'hot', 'select 9007199254740991::bigint as seq'),
    );
    expect(rows).toEqual([{ seq: Number.MAX_SAFE_INTEGER }]);
  });

  it('lets a statement make its rows of their columns', async () => {
    const toRow = ([one, at]: readonly [number, Date | null]) => ({ one, hasTime: at !== null });
    const numbers = statement(
      'numbers',
      'hot',
      `select one, null::timestamptz from generate_series(1, 2) as one`,
      toRow,
    );
    expect(await database.rows(numbers)).toEqual([
      { one: 1, hasTime: false },
      { one: 2, hasTime: false },
    ]);
    expect(await database.rows(numbers)).toHaveLength(2);
  });

  it('keeps a busy pool from holding up the others', async () => {
    const busy = [database.rows(sleep('hot'), [0.5]), database.rows(sleep('work'), [0.5])];
    const order: string[] = [];
    const noted = busy.map((rows) => rows.then(() => order.push('slept')));
    for (const pool of ['append', 'wake', 'beat', 'health'] as const) {
      await database.rows(one(pool));
      order.push(pool);
    }
    await Promise.all(noted);
    expect(order).toEqual(['append', 'wake', 'beat', 'health', 'slept', 'slept']);
  });

  it('does not wait for the disk with hints, and does with everything else', async () => {
    const setting = (pool: PoolName) =>
      statement<{ synchronous_commit: string }>('setting', pool, 'show synchronous_commit');
    expect(await database.rows(setting('wake'))).toEqual([{ synchronous_commit: 'off' }]);
    for (const pool of ['append', 'hot', 'work', 'beat'] as const) {
      expect(await database.rows(setting(pool))).toEqual([{ synchronous_commit: 'on' }]);
    }
  });

  it('commits a transaction that ends well', async () => {
    await database.transaction(async (rows) => {
      await rows(INSERT, ['user:a']);
      await rows(INSERT, ['user:b']);
    });
    expect(await channels()).toEqual(['user:a', 'user:b']);
  });

  it('leaves nothing of a transaction that throws, whoever threw', async () => {
    const ours = database.transaction(async (rows) => {
      await rows(INSERT, ['user:a']);
      throw new Error('changed my mind');
    });
    await expect(ours).rejects.toThrow('changed my mind');
    const theirs = database.transaction(async (rows) => {
      await rows(INSERT, ['user:a']);
      await rows(INSERT, ['user:a']);
    });
    await expect(theirs).rejects.toMatchObject({ code: '23505' });
    expect(await channels()).toEqual([]);
    expect(await database.rows(one('work'))).toEqual([{ one: 1 }]);
  });

  it('outlives the loss of an idle connection and of a busy one', async () => {
    await database.rows(one('beat'));
    const asleep = expect(database.rows(sleep('hot'), [30])).rejects.toMatchObject({ code: '57P01' });
    await until('the statement runs', async () => (await sessions('active')).length > 0);
    await test.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'database-spec'`);
    await asleep;
    await until('the loss nobody waited for is reported', () => lost.includes('beat'));
    expect(await database.rows(one('hot'))).toEqual([{ one: 1 }]);
    expect(await database.rows(one('beat'))).toEqual([{ one: 1 }]);
  });

  it('closes twice without complaint, and leaves no session behind', async () => {
    await database.rows(one('hot'));
    await Promise.all([database.close(), database.close()]);
    await database.close();
    await until('no session is left', async () => (await sessions('idle')).length === 0);
  });
});

async function channels(): Promise<unknown[]> {
  const rows = await test.query('select channel from trunkline.channels order by 1');
  return rows.map(({ channel }) => channel);
}

function sessions(state: string): Promise<object[]> {
  return test.query(
    `select pid from pg_stat_activity where application_name = 'database-spec' and datname = current_database() and state = $1`,
    [state],
  );
}
