import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers, publish } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let servers: [Server, Server];

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  servers = await Promise.all([cluster.start(), cluster.start()]);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function stored(channel: string): Promise<number[]> {
  const rows = await database.query<{ seq: number }>(
    'select seq::int from trunkline.messages where channel = $1 order by seq',
    [channel],
  );
  return rows.map(({ seq }) => seq);
}

it('a repeat over REST gets the first answer, from either instance', async () => {
  const request = { channel: 'user:ann', type: 't', data: { a: 1, b: 2 }, publishId: 'rest' };
  const first = await publish(servers[0], request);
  for (const server of servers) expect(await publish(server, request)).toEqual({ ...first, repeated: true });
  expect(await stored('user:ann')).toEqual([1]);
});

it('a repeat over a socket gets the first answer, from either instance, and is delivered once', async () => {
  const reader = await cluster.connect(servers[1], { user: 'ben' });
  const request = { channel: 'user:ben', type: 't', data: 'once', publishId: 'socket' };
  const [here, there] = await Promise.all(servers.map((server) => cluster.connect(server, { user: 'amy' })));
  const first = await here!.must('publish', request);
  expect(first.repeated).toBeUndefined();
  for (const client of [here!, there!]) {
    expect(await client.must('publish', request)).toEqual({ ...first, repeated: true });
  }
  await here!.must('publish', { channel: 'user:ben', type: 't', data: 'mark' });
  await until('the mark came', () => reader.received.length >= 2);
  expect(reader.raw.map(({ data }) => data)).toEqual(['once', 'mark']);
});

it.each([
  ['body', { data: 2 }],
  ['type', { type: 'other' }],
])('another %s for the same publish id is refused with 1013, over REST and sockets', async (what, other) => {
  const request = { channel: `user:${what}`, type: 't', data: 1, publishId: 'used' };
  const client = await cluster.connect(servers[0], { user: 'amy' });
  await publish(servers[0], request);
  await client.must('publish', request);
  const conflict = { ok: false, error: { code: 1013, retryable: false } };
  const answer = await servers[1].rest('POST', '/v1/messages', { ...request, ...other });
  expect(answer).toMatchObject({ status: 409, body: conflict });
  expect(await client.ask('publish', { ...request, ...other })).toMatchObject(conflict);
  expect(await stored(`user:${what}`)).toHaveLength(2);
});

it('another body in a batch fails alone', async () => {
  const item = { channel: 'user:cid', type: 't', data: 1, publishId: 'x' };
  const messages = [item, item, { ...item, data: 2 }, { ...item, publishId: 'y', data: 2 }];
  const { body } = await servers[0].rest('POST', '/v1/messages', { messages });
  expect(body).toMatchObject({
    results: [
      { ok: true, seq: 1 },
      { ok: true, seq: 1, repeated: true },
      { error: { code: 1013 } },
      { ok: true, seq: 2 },
    ],
  });
});

it('fifty identical writes at once over REST store one row and get one answer', async () => {
  const request = { channel: 'user:dee', type: 't', data: 'once', publishId: 'storm' };
  const answers = await Promise.all(numbers(1, 50).map((n) => publish(servers[n % 2] as Server, request)));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(new Set(answers.map(({ createdAt }) => createdAt)).size).toBe(1);
  expect(answers.filter(({ repeated }) => repeated !== true)).toHaveLength(1);
  expect(await stored('user:dee')).toEqual([1]);
});

it('the same publish id is another one in another channel', async () => {
  for (const channel of ['user:eve', 'user:fay']) {
    expect(await publish(servers[0], { channel, publishId: 'same' })).toMatchObject({ seq: 1 });
  }
});
