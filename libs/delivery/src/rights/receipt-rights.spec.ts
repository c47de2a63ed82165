import { Database } from '#database';
import { Groups } from '#message-persistence';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { ReceiptRights } from './receipt-rights.js';

let test: TestDatabase;
let database: Database;
let groups: Groups;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 1, applicationName: 'receipt-rights', onError: () => undefined });
  groups = new Groups(database);
  for (const user of ['ann', 'ben', 'cid']) await groups.join({ channel: 'group:three', user });
  for (const user of ['ann', 'ben']) await groups.join({ channel: 'group:two', user });
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('ReceiptRights', () => {
  it('lets anybody ask in inboxes and small groups, and remembers of a group that it is small', async () => {
    const rights = new ReceiptRights(groups, 2);
    expect(rights.isKnownFree('user:ann')).toBe(true);
    expect(rights.isKnownFree('group:two')).toBe(false);
    await rights.assertFree('group:two');
    expect(rights.isKnownFree('group:two')).toBe(true);
    await rights.assertFree('group:nobody');
  });

  it.each(['group:three', 'broadcast'])('lets nobody ask in %s without a grant', async (channel) => {
    const rights = new ReceiptRights(groups, 2);
    const refused = { errorName: 'FORBIDDEN', message: expect.stringContaining(`does not grant receipts:${channel}`) };
    await expect(rights.assertFree(channel)).rejects.toMatchObject(refused);
    expect(rights.isKnownFree(channel)).toBe(false);
  });

  it('knows no limit where none is set', () => {
    const rights = new ReceiptRights(groups, 0);
    expect(['group:three', 'broadcast'].map((channel) => rights.isKnownFree(channel))).toEqual([true, true]);
  });
});
