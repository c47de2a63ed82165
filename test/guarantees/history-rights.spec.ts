import type { RequestPayload } from '#protocol';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers, publish, publishAll } from './publish.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { HISTORY_FROM_JOIN: 'group:private-*,group:board' });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function bodies(client: TestClient, request: RequestPayload<'history'>): Promise<unknown[]> {
  return (await client.must('history', request)).messages.map(({ data }) => data);
}

describe('history leaves out what is withheld', () => {
  it('from the user, the device or the connection, and shows it to all others and to back ends', async () => {
    const channel = 'group:talk';
    const [phone, tablet, bob] = await Promise.all([
      cluster.connect(server, { user: 'ann', deviceId: 'phone' }),
      cluster.connect(server, { user: 'ann', deviceId: 'tablet' }),
      cluster.connect(server, { user: 'bob' }),
    ]);
    const note = (data: string): RequestPayload<'publish'> => ({ channel, type: 'note', data });
    await phone.must('publish', note('all'));
    await phone.must('publish', { ...note('not ann'), exceptSelf: true });
    await phone.must('publish', { ...note('not this device'), exceptDevice: true });
    await phone.must('publish', { ...note('not this connection'), exceptConnection: true });
    const second = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });

    for (const order of ['asc', 'desc'] as const) {
      const read = async (client: TestClient): Promise<unknown[]> =>
        (await bodies(client, { channel, order })).toSorted();
      expect(await read(phone)).toEqual(['all']);
      expect(await read(second)).toEqual(['all', 'not this connection']);
      expect(await read(tablet)).toEqual(['all', 'not this connection', 'not this device']);
      expect(await read(bob)).toHaveLength(4);
    }
    const { body } = await server.rest('GET', '/v1/channels/group%3Atalk/messages');
    expect((body as { messages: unknown[] }).messages).toHaveLength(4);
  });

  it('because another device took it', async () => {
    const channel = 'user:cid';
    const phone = await cluster.connect(server, { user: 'cid', deviceId: 'phone' });
    await publish(server, { channel, data: 'ring', deliverTo: 'first-device' });
    await until('it is taken', () => phone.received.length === 1);
    const tablet = await cluster.connect(server, { user: 'cid', deviceId: 'tablet' });
    expect(await bodies(phone, { channel })).toEqual(['ring']);
    expect(await bodies(tablet, { channel })).toEqual([]);
  });
});

describe('a new member', () => {
  const seat = (group: string, user: string): string => `/v1/channels/${encodeURIComponent(group)}/members/${user}`;

  it.each(['group:private-1', 'group:board'])('reads the history of %s from its joining on', async (channel) => {
    await publishAll(server, channel, numbers(1, 3));
    await server.rest('PUT', seat(channel, 'dan'));
    const dan = await cluster.connect(server, { user: 'dan', grants: [] });
    await publishAll(server, channel, numbers(4, 6));
    expect(await bodies(dan, { channel })).toEqual([4, 5, 6]);
    expect(await bodies(dan, { channel, afterSeq: 4 })).toEqual([5, 6]);
    expect(await bodies(dan, { channel, order: 'desc', beforeSeq: 6 })).toEqual([5, 4]);
    const first = await dan.must('history', { channel, order: 'desc', limit: 3 });
    expect(first.messages).toHaveLength(3);
    // Back again, it is a new member.
    await server.rest('DELETE', seat(channel, 'dan'));
    await server.rest('PUT', seat(channel, 'dan'));
    expect(await bodies(dan, { channel })).toEqual([]);
  });

  it('reads all of it where its token grants subscribe, and of groups that are not named', async () => {
    await publishAll(server, 'group:private-2', numbers(1, 3));
    await publishAll(server, 'group:open', numbers(1, 3));
    for (const channel of ['group:private-2', 'group:open']) await server.rest('PUT', seat(channel, 'eve'));
    const granted = await cluster.connect(server, { user: 'eve', grants: ['subscribe:group:private-2'] });
    expect(await bodies(granted, { channel: 'group:private-2' })).toEqual([1, 2, 3]);
    expect(await bodies(granted, { channel: 'group:open' })).toEqual([1, 2, 3]);
  });
});
