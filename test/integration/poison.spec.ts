import type { NewMessage } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** What no edge lets through, but PostgreSQL would refuse, and with it the whole statement. */
const POISONS: [string, Partial<NewMessage>][] = [
  ['an id that is no uuid', { id: 'not-a-uuid' }],
  ['a zero byte in the body', { body: '"\0"' }],
  ['a zero byte in the metadata', { metadata: '{"a":"\0"}' }],
  ['a ttl beyond all calendars', { ttlMs: 10_000_000_000_000_000 }],
  ['a ttl that is no whole number', { ttlMs: 1.5 }],
];

let test: TestDatabase;
let instance: OpenLog;

beforeAll(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
});
afterAll(async () => {
  await instance.database.close();
  await test.drop();
});

describe('a message that PostgreSQL refuses', () => {
  it.each(POISONS)('fails alone in its batch: %s', async (_, poison) => {
    const channel = `group:${draft('').id}`;
    const batch = Array.from({ length: 100 }, (_, index) =>
      draft(channel, {
        body: String(index),
        publishId: index % 3 ? null : `id-${index}`,
        ...(index === 57 ? poison : {}),
      }),
    );
    const outcomes = await Promise.allSettled(batch.map((message) => instance.log.append(message)));
    const refused = outcomes.flatMap((outcome, index) =>
      outcome.status === 'rejected' ? [{ place: index, ...outcome }] : [],
    );
    expect(refused).toMatchObject([{ place: 57, reason: { errorName: 'BAD_REQUEST', code: 1000, retryable: false } }]);
    const rows = await test.query<{ seq: number; body: string }>(
      'select seq::int, body from trunkline.messages where channel = $1 order by seq',
      [channel],
    );
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 99 }, (_, i) => i + 1));
    expect(rows.map(({ body }) => Number(body))).toEqual(batch.flatMap((_, index) => (index === 57 ? [] : [index])));
  });

  it('leaves no trace when it comes alone', async () => {
    await expect(instance.log.append(draft('group:alone', { id: 'no' }))).rejects.toMatchObject({
      errorName: 'BAD_REQUEST',
    });
    expect(await test.query(`select from trunkline.channels where channel = 'group:alone'`)).toEqual([]);
  });
});
