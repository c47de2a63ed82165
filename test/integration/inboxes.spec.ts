import fc from 'fast-check';
import { channelKind, inboxOf, isUserId, userOf } from '#protocol';
import { seeded } from '../support/seeded.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/*
 * What a channel name is and whose inbox it is, is said twice: in TypeScript for the wire, in SQL for publishing from a
 * transaction. Both have to agree on every text.
 */
const { seed } = seeded();

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Any text PostgreSQL can be given, and much of what is nearly right. */
const id = fc.oneof(
  fc.string({ maxLength: 210, unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\0')),
  fc.string({ maxLength: 210, unit: fc.constantFrom(...'aZ09._:@/+-|% ü\u0085\u2028\u00ad🦊\n%2') }),
  fc.tuple(fc.nat(60), fc.nat(210)).map(([foxes, letters]) => '🦊'.repeat(foxes) + 'x'.repeat(letters)),
  fc.nat(210).map((letters) => 'ü'.repeat(letters)),
);
const hex = fc.constantFrom(...'0123456789ABCDEFabcdef');
const byte = fc.tuple(hex, hex).map(([high, low]) => `%${high}${low}`);
const encoded = fc
  .array(fc.oneof(byte, fc.constantFrom('a', '%', '%C3%BC', '%7C', '%F0%9F%A6%8A', '%ED%A0%80', '%00', '%41')), {
    maxLength: 210,
  })
  .map((parts) => parts.join(''));
const channel = fc.oneof(
  id.map((user) => inboxOf(user)),
  id.map((user) => `user:${user}`),
  encoded.map((user) => `user:${user}`),
  fc.tuple(fc.constantFrom('group:', 'user:', 'User:', '', 'broadcast', 'topic:'), id).map((parts) => parts.join('')),
  fc.integer({ min: 190, max: 210 }).map((length) => `group:${'x'.repeat(length)}`),
  fc.constant('broadcast'),
);

it(`SQL and TypeScript agree on what is a channel, and whose inbox it is (TEST_SEED=${seed})`, async () => {
  const names = fc.sample(channel, { seed, numRuns: 3_000 });
  const rows = await database.query<{ is_channel: boolean; user_id: string | null }>(
    `select c.is_channel, case when c.is_channel and name like 'user:%' then trunkline.inbox_user(name) end as user_id
       from unnest($1::text[]) with ordinality as n (name, place)
      cross join lateral (select trunkline.is_channel(name) as is_channel) as c order by place`,
    [names],
  );
  const expected = names.map((name) => ({
    name,
    is_channel: channelKind(name) !== undefined,
    user_id: (channelKind(name) === 'user' ? userOf(name) : undefined) ?? null,
  }));
  expect(rows.map((row, index) => ({ name: names[index], ...row }))).toEqual(expected);
  expect(expected.filter(({ is_channel }) => is_channel).length).toBeGreaterThan(300);
  expect(expected.filter(({ is_channel }) => !is_channel).length).toBeGreaterThan(300);
});

it(`SQL and TypeScript name the same inbox for every user id (TEST_SEED=${seed})`, async () => {
  const users = fc.sample(id, { seed, numRuns: 3_000 }).filter(isUserId);
  expect(users.length).toBeGreaterThan(300);
  const rows = await database.query<{ inbox: string; back: string; is_channel: boolean }>(
    `select trunkline.inbox(u) as inbox, trunkline.inbox_user(trunkline.inbox(u)) as back,
            trunkline.is_channel(trunkline.inbox(u)) as is_channel
       from unnest($1::text[]) with ordinality as n (u, place) order by place`,
    [users],
  );
  expect(rows).toEqual(users.map((user) => ({ inbox: inboxOf(user), back: user, is_channel: true })));
});
