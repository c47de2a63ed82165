import type { RequestName, RequestPayload } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { inDays } from '../support/in-days.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const SOCKETS = 20;
const EACH = 20;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let anns: TestClient[];
let bob: TestClient;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
  await Promise.all(
    times(20).map((data) => server.rest('POST', '/v1/messages', { ...LONG, data: `${data} ${'x'.repeat(60_000)}` })),
  );
});
beforeEach(async () => {
  bob = await cluster.connect(server, { user: 'bob' });
  anns = await Promise.all(times(SOCKETS).map(() => cluster.connect(server, { user: 'ann' })));
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

const LONG = { channel: 'group:long', type: 'note' };
const SEND_AT = inDays(1);

function times(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Makes the requests of the bystander: one of each kind, one after the other. */
async function bobIsServed(): Promise<void> {
  await bob.must('publish', { channel: 'user:bob', type: 'note', data: 1 });
  await bob.must('join', { channel: 'group:bob' });
  await bob.must('history', { channel: LONG.channel, limit: 2 });
  await bob.must('presence', { channel: 'group:bob' });
  const { id } = await bob.must('schedule', { channel: 'user:bob', type: 'note', data: 2, sendAt: SEND_AT });
  await bob.must('cancel', { id });
  await bob.must('watch', { channel: 'group:bob' });
  await bob.must('subscribe', { channel: 'group:other' });
  await bob.must('unsubscribe', { channel: 'group:other' });
  await bob.must('leave', { channel: 'group:bob' });
}

type Asked<N extends RequestName> = [N, (i: number) => RequestPayload<N>];

const FLOODS: Asked<RequestName>[] = [
  ['history', () => ({ channel: LONG.channel, limit: 5 })],
  ['join', (i) => ({ channel: `group:ann-${i}` })],
  ['leave', (i) => ({ channel: `group:ann-${i}` })],
  ['schedule', () => ({ channel: 'user:ann', type: 'note', data: 'x'.repeat(1_000), sendAt: SEND_AT })],
  ['cancel', () => ({ id: '00000000-0000-4000-8000-000000000000' })],
  ['presence', (i) => ({ channel: `user:someone-${i}` })],
  ['watch', () => ({ channel: 'user:ann' })],
  ['subscribe', (i) => ({ channel: `group:read-${i}` })],
  ['read', () => ({ 'user:ann': 0 })],
];

it.each(FLOODS)(
  'one user who asks for %s on twenty sockets as fast as it can waits behind itself',
  async (name, payload) => {
    let waiting = SOCKETS * EACH;
    const flood = anns.flatMap((ann, i) =>
      times(EACH).map((j) => ann.ask(name, payload(i * EACH + j) as never).finally(() => (waiting -= 1))),
    );
    await bobIsServed();
    expect(waiting).toBeGreaterThan(0);
    await Promise.allSettled(flood);
  },
);

it('an API key that asks for much waits behind itself, and keeps neither users nor other keys waiting', async () => {
  let waiting = 200;
  const flood = times(waiting).map(() =>
    server
      .rest('GET', `/v1/channels/${encodeURIComponent(LONG.channel)}/messages?limit=5`)
      .finally(() => (waiting -= 1)),
  );
  await bobIsServed();
  expect(waiting).toBeGreaterThan(0);
  const answers = await Promise.all(flood);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});
