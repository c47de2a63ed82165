import { Retention } from '#message-persistence';
import { Database } from '#database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 1, applicationName: 'claims', onError: () => undefined });
});
afterAll(async () => {
  await database.close();
  await test.drop();
});

it('claims of first-device messages are forgotten after retention, and not before', async () => {
  await test.query(
    `insert into trunkline.claims (channel, seq, user_id, device_id, claimed_at)
     select 'user:ann', day, 'ann', 'phone', now() - day * interval '1 day' from generate_series(1, 12) as day`,
  );
  const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
  expect(await retention.forgetClaims()).toBe(5);
  expect(await test.query('select max(seq)::int from trunkline.claims')).toEqual([{ max: 7 }]);
  expect(await retention.forgetClaims()).toBe(0);
});
