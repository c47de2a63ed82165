import { AuditLog } from '#admin';
import { Database } from '#database';
import { Retention } from '#message-persistence';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let database: Database;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 1, applicationName: 'forgetting', onError: () => undefined });
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('dead letters', () => {
  it('are removed past retention, but for those whose message is retained still', async () => {
    await test.query(
      `insert into trunkline.dead_letters (channel, seq, user_id, device_id, message_id, attempts, died_at)
       select 'user:ann', day, 'ann', 'phone', gen_random_uuid(), 3, now() - day * interval '1 day'
         from generate_series(1, 12) as day`,
    );
    // Somebody is still to receive it, so its partition was kept.
    await test.query(
      `insert into trunkline.messages (channel, seq, id, type, body, created_at)
       values ('user:ann', 11, gen_random_uuid(), 't', '1', now() - interval '11 days')`,
    );
    const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
    expect(await retention.forgetDeadLetters(true)).toBe(5);
    expect(await lettersLeft()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await retention.forgetDeadLetters()).toBe(5);
    expect(await lettersLeft()).toEqual([1, 2, 3, 4, 5, 6, 11]);
    expect(await retention.forgetDeadLetters()).toBe(0);
  });

  async function lettersLeft(): Promise<number[]> {
    const rows = await test.query<{ seq: number }>('select seq::int from trunkline.dead_letters order by seq');
    return rows.map(({ seq }) => seq);
  }
});

describe('what operators did', () => {
  const change = { by: 'ops', action: 'drain-instance', target: 'a', details: {}, requestId: null };

  it('is remembered for as long as is set', async () => {
    const auditLog = new AuditLog(database, 'here');
    for (let day = 0; day < 3; day++) await auditLog.begin(change);
    await test.query(`update trunkline.admin_audit set at = at - (id - 1) * interval '20 days'`);
    expect(await auditLog.forget(30, true)).toBe(1);
    expect(await auditLog.forget(30, false)).toBe(1);
    expect(await auditLog.list(Number.MAX_SAFE_INTEGER, 10)).toHaveLength(2);
  });

  it('is remembered for ever, if that is set', async () => {
    const auditLog = new AuditLog(database, 'here');
    await auditLog.begin(change);
    await test.query(`update trunkline.admin_audit set at = at - interval '20 years'`);
    expect(await auditLog.forget(0, false)).toBe(0);
  });
});
