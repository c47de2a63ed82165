import { Cluster } from '../support/cluster.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import type { Server } from '../support/server.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let cluster: Cluster;
let here: Server;
let there: Server;

async function startTwo(env: Record<string, string>): Promise<void> {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, env);
  [here, there] = await Promise.all([cluster.start(), cluster.start()]);
}

afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

// A poll would bring the messages at the end of the minute, long after the tests' deadlines.
describe('two instances that poll once a minute', () => {
  beforeAll(() => startTwo({ POLL_MS: '60000' }));

  it('hand a message to its user on the other instance', async () => {
    const ann = await cluster.connect(here, { user: 'ann' });
    const bob = await cluster.connect(there, { user: 'bob' });
    const { id, seq } = await ann.must('publish', { channel: 'user:bob', type: 'greeting', data: { text: 'hello' } });

    const [message] = await until('bob got it', () => bob.received.length > 0 && bob.received);
    expect(message).toMatchObject({
      channel: 'user:bob',
      id,
      seq,
      sender: 'ann',
      type: 'greeting',
      data: { text: 'hello' },
    });
    expect(bob.raw).toHaveLength(1);
    expect(ann.raw).toEqual([]);
  });

  it('hand a message to all devices of its user, whichever instance each is on', async () => {
    const devices = await Promise.all([
      cluster.connect(here, { user: 'mia', deviceId: 'phone' }),
      cluster.connect(there, { user: 'mia', deviceId: 'laptop' }),
      cluster.connect(there, { user: 'mia', deviceId: 'tablet' }),
    ]);
    const eve = await cluster.connect(there, { user: 'eve' });
    await eve.must('publish', { channel: 'user:mia', type: 'ping', data: 1 });

    for (const device of devices) {
      await until('the device got it', () => device.received.length === 1);
    }
  });

  it('fan a group out to its members on both, in one order, and to nobody else', async () => {
    const members = await Promise.all(
      [1, 2, 3, 4].map((n) => cluster.connect(n % 2 ? here : there, { user: `member-${n}` })),
    );
    const stranger = await cluster.connect(there, { user: 'stranger' });
    for (const member of members) await member.must('join', { channel: 'group:tea' });
    const publishes = members.flatMap((member, m) =>
      Array.from({ length: 25 }, (_, n) =>
        member.must('publish', { channel: 'group:tea', type: 'chat', data: `${m} ${n}` }),
      ),
    );
    await Promise.all(publishes);

    for (const member of members) await until('a member got all', () => member.bodies('group:tea').length === 100);
    const [first] = members;
    for (const member of members) {
      expect(member.received.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      expect(member.bodies('group:tea')).toEqual(first?.bodies('group:tea'));
    }
    expect(stranger.raw).toEqual([]);
  });

  it('broadcast to everyone on both', async () => {
    const everyone = await Promise.all(
      [here, there, here, there].map((server, n) => cluster.connect(server, { user: `listener-${n}` })),
    );
    const answer = await here.rest('POST', '/v1/messages', {
      channel: 'broadcast',
      type: 'notice',
      data: 'tea is ready',
    });
    expect(answer.status).toBe(200);

    for (const client of everyone) await until('a client got the broadcast', () => client.received.length === 1);
    for (const { received } of everyone) expect(received[0]).toMatchObject({ sender: null, data: 'tea is ready' });
  });

  it('hand a channel to a mere subscriber on the other instance', async () => {
    const ann = await cluster.connect(here, { user: 'ann' });
    const reader = await cluster.connect(there, { user: 'reader' });
    await reader.must('subscribe', { channel: 'group:open' });
    await ann.must('publish', { channel: 'group:open', type: 'chat', data: 'to whom it may concern' });

    await until('the subscriber got it', () => reader.bodies('group:open').length === 1);
  });

  it('answer subscriptions to one channel at once, and send it once', async () => {
    const ann = await cluster.connect(here, { user: 'ann' });
    const { seq } = await ann.must('publish', { channel: 'group:twice', type: 'chat', data: 1 });
    const reader = await cluster.connect(there, { user: 'reader' });
    const ask = () => reader.must('subscribe', { channel: 'group:twice', sinceSeq: 0 });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers[0]).toMatchObject({ seq: 0, lastSeq: seq });
    for (const answer of answers) expect(answer).toMatchObject({ lastSeq: seq });
    await until('it came', () => reader.bodies('group:twice').length === 1);
  });

  it('answer a publish id repeated on the other instance with the first result, and deliver it once', async () => {
    const bob = await cluster.connect(there, { user: 'bob' });
    const request = { channel: 'user:bob', type: 'order', data: 'one coffee', publishId: 'coffee-1' };
    const ann = {
      here: await cluster.connect(here, { user: 'ann' }),
      there: await cluster.connect(there, { user: 'ann' }),
    };
    const first = await ann.here.must('publish', request);
    const second = await ann.there.must('publish', request);
    await ann.here.must('publish', { channel: 'user:bob', type: 'end', data: null });

    expect(second).toMatchObject({ id: first.id, seq: first.seq, repeated: true });
    await until('the end came', () => bob.received.some(({ type }) => type === 'end'));
    expect(bob.raw.filter(({ type }) => type === 'order')).toHaveLength(1);
  });

  it('tell the readers when a publish is repeated whose first instance ended before it could', async () => {
    // One that sends no hints looks to the readers just like that.
    const silent = await cluster.start({ NOTIFY: 'off' });
    const devices = await Promise.all(
      [here, there].map((server, n) => cluster.connect(server, { user: 'cid', deviceId: `device-${n}` })),
    );
    const request = { channel: 'user:cid', type: 'order', data: 'two coffees', publishId: 'coffee-2' };
    expect(await silent.rest('POST', '/v1/messages', request)).toMatchObject({ status: 200 });
    const { body } = await here.rest('POST', '/v1/messages', request);
    expect(body).toMatchObject({ ok: true, repeated: true });

    for (const device of devices) await until('the device got it', () => device.received.length === 1);
  });
});
