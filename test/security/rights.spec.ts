import type { EventPayload } from '#protocol';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { tokenFor, type TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { PRESENCE_DEBOUNCE_MS: '0' });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

type Ended = EventPayload<'ended'>;

function endsOf(client: TestClient): Ended[] {
  const ends: Ended[] = [];
  client.socket.on('ended', (end: Ended) => ends.push(end));
  return ends;
}

async function publish(channel: string, data: unknown): Promise<void> {
  expect((await server.rest('POST', '/v1/messages', { channel, type: 'note', data })).status).toBe(200);
}

describe('a token renewed with fewer grants', () => {
  const user = 'ann';
  const renew = (client: TestClient, grants: string[]): Promise<object> =>
    client.must('token', { token: tokenFor({ user, grants }) });

  it('ends the subscriptions it does not grant, and says so before it is answered', async () => {
    const client = await cluster.connect(server, { user, grants: ['subscribe:group:*'] });
    const ends = endsOf(client);
    for (const channel of ['group:kept', 'group:lost']) await client.must('subscribe', { channel });
    await renew(client, ['subscribe:group:kept']);
    expect(ends).toEqual([{ channel: 'group:lost', request: 'subscribe' }]);
    await publish('group:lost', 'not for ann');
    await publish('group:kept', 'for ann');
    await until('the other goes on', () => client.received.length > 0);
    expect(client.received.map(({ channel }) => channel)).toEqual(['group:kept']);
    expect(await client.ask('subscribe', { channel: 'group:lost' })).toMatchObject({ error: { code: 3001 } });
    await renew(client, ['subscribe:group:*']);
    await client.must('subscribe', { channel: 'group:lost' });
    await publish('group:lost', 'for ann again');
    await until('it comes again', () => client.bodies('group:lost').includes('for ann again'));
    expect(client.bodies('group:lost')).toEqual(['for ann again']);
  });

  it('ends a subscription that is only just being made', async () => {
    const client = await cluster.connect(server, { user, grants: ['subscribe:group:*'] });
    const [subscribed] = await Promise.all([
      client.ask('subscribe', { channel: 'group:racing' }),
      client.ask('token', { token: tokenFor({ user, grants: [] }) }),
    ]);
    await publish('group:racing', subscribed);
    await publish('user:ann', 'afterwards');
    await until('what came afterwards is here', () => client.bodies('user:ann').includes('afterwards'));
    expect(client.bodies('group:racing')).toEqual([]);
  });

  it('keeps memberships, which were joined with a grant but are the user’s', async () => {
    const client = await cluster.connect(server, { user, grants: ['join:group:club'] });
    const ends = endsOf(client);
    await client.must('join', { channel: 'group:club' });
    await renew(client, []);
    await publish('group:club', 'for members');
    await until('it comes', () => client.bodies('group:club').length === 1);
    expect(ends).toEqual([]);
    expect(await client.ask('publish', { channel: 'group:club', type: 't', data: 1 })).toMatchObject({ ok: true });
    await client.must('leave', { channel: 'group:club' });
    expect(await client.ask('join', { channel: 'group:club' })).toMatchObject({ error: { code: 3001 } });
  });

  it('ends the watches it does not grant, but those of a shared group', async () => {
    for (const member of ['ann', 'ben']) await server.rest('PUT', `/v1/channels/group%3Acrew/members/${member}`);
    const client = await cluster.connect(server, { user, grants: ['presence:*'] });
    const ends = endsOf(client);
    for (const watched of ['ann', 'ben', 'cid']) await client.must('watch', { channel: `user:${watched}` });
    await renew(client, []);
    expect(ends).toEqual([{ channel: 'user:cid', request: 'watch' }]);
    await cluster.connect(server, { user: 'cid' });
    await cluster.connect(server, { user: 'ben' });
    await until('the other goes on', () => client.presences.length > 0);
    expect(client.presences).toEqual(['ben on']);
  });
});

it('a watch that ends with a membership is announced as ended', async () => {
  for (const member of ['dee', 'eve']) await server.rest('PUT', `/v1/channels/group%3Apair/members/${member}`);
  const dee = await cluster.connect(server, { user: 'dee', grants: [] });
  const ends = endsOf(dee);
  await dee.must('watch', { channel: 'user:eve' });
  await server.rest('DELETE', '/v1/channels/group%3Apair/members/dee');
  await cluster.connect(server, { user: 'eve' });
  await until('it is told', () => ends.length > 0);
  expect([ends, dee.presences]).toEqual([[{ channel: 'user:eve', request: 'watch' }], []]);
});
