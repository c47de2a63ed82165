import { Database } from '#database';
import { NO_METER } from '#observability';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { FIRST_SUSPECT, SuspectList } from './suspect-list.js';
import { Suspects } from './suspects.js';

let test: TestDatabase;
let database: Database;
let list: SuspectList;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 2, applicationName: 'suspects-spec', onError: () => undefined });
  list = new SuspectList(database);
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('Suspects', () => {
  it('adds up what two instances saw, at the same time, in one row for each address and reason', async () => {
    const [one, other] = [make(), make()];
    for (let turn = 0; turn < 10; turn++) {
      for (const instance of [one, other]) {
        for (const address of ['198.51.100.1', '198.51.100.2']) instance.note(address, 'wrong-key');
        instance.note('2001:db8::1', 'half-open');
        instance.note('2001:db8::2', 'half-open');
      }
      await Promise.all([one.write(), other.write()]);
    }
    expect((await rows()).toSorted((a, b) => (a[0] < b[0] ? -1 : 1))).toEqual([
      ['198.51.100.1', 'wrong-key', 20],
      ['198.51.100.2', 'wrong-key', 20],
      ['2001:db8:0:0::/64', 'half-open', 40],
    ]);
  });

  it('lists those seen last first, page after page', async () => {
    const suspects = make();
    for (let last = 1; last <= 7; last++) {
      suspects.note(`198.51.100.${last}`, 'flood');
      await suspects.write();
    }
    const first = await list.page(FIRST_SUSPECT, 5);
    const last = first.at(-1);
    if (!last) throw new Error('no rows');
    const rest = await list.page([last.last_us, last.address, last.reason], 5);
    expect([...first, ...rest].map(({ address }) => address)).toEqual(
      [7, 6, 5, 4, 3, 2, 1].map((number) => `198.51.100.${number}`),
    );
  });

  it('keeps what it cannot write for the next time', async () => {
    const errors: unknown[] = [];
    const suspects = make({ onError: (error) => errors.push(error) });
    suspects.note('198.51.100.1', 'wrong-key');
    await test.query('alter table trunkline.suspects rename to away');
    await suspects.write();
    expect(errors).toHaveLength(1);
    suspects.note('198.51.100.1', 'wrong-key');
    await test.query('alter table trunkline.away rename to suspects');
    await suspects.write();
    expect(await rows()).toEqual([['198.51.100.1', 'wrong-key', 2]]);
  });

  it('is bounded in memory and in the table, however many addresses come', async () => {
    const suspects = make();
    for (let address = 0; address < 5_000; address++) suspects.note(`10.1.${address >> 8}.${address & 255}`, 'flood');
    await suspects.write();
    const [sums] = await test.query<{ rows: number; seen: number; others: number }>(
      `select count(*)::int as rows, sum(count)::int as seen, sum(count) filter (where address = 'others')::int as others
         from trunkline.suspects`,
    );
    expect(sums).toEqual({ rows: 2_001, seen: 5_000, others: 3_000 });
  });

  it('forgets those not seen for a day, and tells beforehand how many', async () => {
    const suspects = make();
    for (const last of [1, 2, 3]) suspects.note(`198.51.100.${last}`, 'flood');
    await suspects.write();
    await test.query(`update trunkline.suspects set last_at = last_at - interval '25 hours' where address ~ '[12]$'`);
    expect(await list.forget(true)).toBe(2);
    expect(await list.forget(false)).toBe(2);
    expect(await rows()).toEqual([['198.51.100.3', 'flood', 1]]);
  });

  it('refuses what fails of an address that was suspicious too often, and of no other', async () => {
    const suspects = make({ perMinute: 3 });
    for (let strike = 1; strike <= 3; strike++) suspects.note('198.51.100.1', 'wrong-key');
    expect(await suspects.refusedForMs('198.51.100.1')).toBe(0);
    suspects.note('198.51.100.1', 'refused-token');
    expect(await suspects.refusedForMs('198.51.100.1')).toBeGreaterThan(50_000);
    expect(await suspects.refusedForMs('198.51.100.1')).toBeLessThanOrEqual(60_000);
    expect(await suspects.refusedForMs('198.51.100.2')).toBe(0);
  });

  it('refuses nobody with a limit of 0', async () => {
    const suspects = make({ perMinute: 0 });
    for (let strike = 0; strike < 1_000; strike++) suspects.note('198.51.100.1', 'wrong-key');
    expect(await suspects.refusedForMs('198.51.100.1')).toBe(0);
  });
});

function make(options: { perMinute?: number; onError?: (error: unknown) => void } = {}): Suspects {
  const onError = (error: unknown): never => {
    throw error;
  };
  return new Suspects(list, { perMinute: 10, meter: NO_METER, onError, ...options });
}

async function rows(): Promise<[address: string, reason: string, count: number][]> {
  return (await list.page(FIRST_SUSPECT, 100)).map(({ address, reason, count }) => [address, reason, count]);
}
