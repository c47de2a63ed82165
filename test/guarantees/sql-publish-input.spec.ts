import { inDays } from '../support/in-days.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const keys = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [n, n])));
const entries = (count: number): object => JSON.parse(keys(count).replaceAll(/:(\d+)/g, ':"$1"')) as object;

async function publish(channel: unknown, type: unknown, data: unknown, options: unknown = {}): Promise<void> {
  await database.query('select trunkline.publish($1, $2, $3, $4)', [channel, type, data, JSON.stringify(options)]);
}

async function count(): Promise<number> {
  const [row] = await database.query<{ count: number }>('select count(*)::int from trunkline.outbox');
  return row?.count ?? 0;
}

it.each([
  [1002, 'a channel of an unknown kind', ['room:1', 't', '1']],
  [1002, 'a channel with a space', ['user:a b', 't', '1']],
  [1002, 'a channel without a name', ['user:', 't', '1']],
  [1002, 'a channel with a line break behind it', ['user:a\n', 't', '1']],
  [1002, 'a channel that is too long', [`user:${'a'.repeat(201)}`, 't', '1']],
  [1002, 'an inbox with a needless encoding', ['user:%41', 't', '1']],
  [1002, 'no channel', [null, 't', '1']],
  [1000, 'an empty type', ['user:a', '', '1']],
  [1000, 'no type', ['user:a', null, '1']],
  [1000, 'a type that is too long', ['user:a', 'a'.repeat(101), '1']],
  [1000, 'a type of ours', ['user:a', 'trunkline.receipt', '1']],
  [1003, 'no data', ['user:a', 't', null]],
  [1003, 'data that are too long', ['user:a', 't', JSON.stringify('a'.repeat(65_535))]],
  [1004, 'data nested too deep', ['user:a', 't', nested(33)]],
  [1005, 'data with too many keys', ['user:a', 't', keys(1_001)]],
  [1006, 'data with \\u0000', ['user:a', 't', '"\\u0000"']],
  [1006, 'data with half a surrogate pair', ['user:a', 't', '{"\\ud800":1}']],
  [1015, 'data that are no JSON', ['user:a', 't', '{']],
  [1015, 'a string without quotes', ['user:a', 't', 'hello']],
  [1018, 'data with a number beyond a double', ['user:a', 't', '[1e999999]']],
  [1004, 'data nested so deep that the parser gives up', ['user:a', 't', nested(30_000)]],
  [1000, 'options that are no object', ['user:a', 't', '1', [1]]],
  [1008, 'an option nobody knows', ['user:a', 't', '1', { sender: 'ann' }]],
  [1007, 'ttlMs of 0', ['user:a', 't', '1', { ttlMs: 0 }]],
  [1007, 'ttlMs of more than a year', ['user:a', 't', '1', { ttlMs: 31_536_000_001 }]],
  [1007, 'ttlMs with a fraction', ['user:a', 't', '1', { ttlMs: 1.5 }]],
  [1007, 'ttlMs that is no number', ['user:a', 't', '1', { ttlMs: 'soon' }]],
  [1007, 'ttlMs in a list', ['user:a', 't', '1', { ttlMs: [5] }]],
  [1000, 'an empty publishId', ['user:a', 't', '1', { publishId: '' }]],
  [1000, 'a publishId that is too long', ['user:a', 't', '1', { publishId: 'a'.repeat(101) }]],
  [1000, 'an empty collapseKey', ['user:a', 't', '1', { collapseKey: '' }]],
  [1000, 'deliverTo somebody else', ['user:a', 't', '1', { deliverTo: 'nobody' }]],
  [1000, 'exceptUser with a line break', ['user:a', 't', '1', { exceptUser: 'a\nb' }]],
  [1000, 'exceptUser who is nobody', ['user:a', 't', '1', { exceptUser: '' }]],
  [1000, 'exceptUser with too long an id', ['user:a', 't', '1', { exceptUser: 'a'.repeat(201) }]],
  [1000, 'sendAt that is no time', ['user:a', 't', '1', { sendAt: 'tomorrow, perhaps' }]],
  [1000, 'sendAt more than a year ahead', ['user:a', 't', '1', { sendAt: inDays(367) }]],
  [1000, 'sendAt never', ['user:a', 't', '1', { sendAt: 'infinity' }]],
  [1000, 'metadata that are no object', ['user:a', 't', '1', { metadata: 'x' }]],
  [1000, 'metadata that are a list', ['user:a', 't', '1', { metadata: ['x'] }]],
  [1000, 'metadata with a number', ['user:a', 't', '1', { metadata: { n: 1 } }]],
  [1000, 'metadata with a list', ['user:a', 't', '1', { metadata: { n: ['x'] } }]],
  [1000, 'metadata with a value that is too long', ['user:a', 't', '1', { metadata: { n: 'a'.repeat(1_001) } }]],
  [1000, 'metadata with an empty key', ['user:a', 't', '1', { metadata: { '': 'x' } }]],
  [1000, 'metadata with too many entries', ['user:a', 't', '1', { metadata: entries(21) }]],
] as const)('answers %i to %s', async (code, _, [channel, type, data, options]) => {
  const before = await count();
  await expect(publish(channel, type, data, options)).rejects.toThrow(new RegExp(`^trunkline ${code}: `));
  expect(await count()).toBe(before);
});

it.each([
  ['a channel of each kind', ['broadcast', 't', '1']],
  ['a channel as long as can be', [`user:${'a'.repeat(200)}`, 't', '1']],
  ['the inbox of a user of an identity provider', ['user:auth0%7Cann', 't', '1', { exceptUser: 'auth0|jürgen b' }]],
  ['data as deep as can be', ['group:a', 't', nested(32)]],
  ['data as wide as can be', ['user:a', 't', keys(1_000)]],
  ['data as long as can be', ['user:a', 't', JSON.stringify('a'.repeat(65_534))]],
  ['null as data', ['user:a', 't', 'null']],
  [
    'options that are null',
    ['user:a', 't', '1', { ttlMs: null, publishId: null, metadata: null, sendAt: null, deliverTo: null }],
  ],
  ['empty metadata', ['user:a', 't', '1', { metadata: {} }]],
  ['as many metadata as can be', ['user:a', 't', '1', { metadata: entries(20) }]],
  ['the longest ttlMs', ['user:a', 't', '1', { ttlMs: 31_536_000_000 }]],
  ['all devices', ['user:a', 't', '1', { deliverTo: 'all-devices' }]],
  ['a time with a zone', ['user:a', 't', '1', { sendAt: inDays(300).replace('Z', '+02:00') }]],
] as const)('takes %s', async (_, [channel, type, data, options]) => {
  await publish(channel, type, data, options);
});
