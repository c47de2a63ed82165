import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

/** What the README promises for lost hints. */
const PROMISED_MS = 2_000;

const { cluster, here, there } = await twoInstances({ NOTIFY: 'off' });

it('finds a message for an inbox, a group and broadcast by polling', async () => {
  const ann = await cluster.connect(here, { user: 'ann' });
  const bob = await cluster.connect(there, { user: 'bob' });
  await bob.must('join', { channel: 'group:quiet' });
  for (const channel of ['user:bob', 'group:quiet', 'broadcast']) {
    await ann.must('publish', { channel, type: 'note', data: 'found' });
    await until(`bob got it from ${channel}`, () => bob.bodies(channel).length === 1, PROMISED_MS);
  }
});

it('finds by polling that a user was made a member through another instance', async () => {
  const cid = await cluster.connect(there, { user: 'cid' });
  await here.rest('PUT', '/v1/channels/group%3Aquiet/members/cid');
  await until('cid knows', () => cid.memberships.length === 1, PROMISED_MS);
  await here.rest('POST', '/v1/messages', { channel: 'group:quiet', type: 'note', data: 'welcome' });
  await until('cid got it', () => cid.bodies('group:quiet').length === 1, PROMISED_MS);
});

it('keeps the order of a channel that is published to on both instances', async () => {
  const dan = await cluster.connect(there, { user: 'dan' });
  const authors = await Promise.all([here, there].map((server) => cluster.connect(server, { user: 'ann' })));
  const publishes = authors.flatMap((author) =>
    Array.from({ length: 50 }, (_, n) => author.must('publish', { channel: 'user:dan', type: 'count', data: n })),
  );
  await Promise.all(publishes);
  await until('dan got all', () => dan.received.length === 100, PROMISED_MS);
  expect(dan.raw.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
});
