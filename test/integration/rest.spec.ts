import { parse, rest } from '#protocol';
import { Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const NOT_FOUND = { status: 404, body: { ok: false, error: { code: 1012 } } };
const NOWHERE = '01890a5d-ac96-774b-bcce-b302099a8057';

let test: TestDatabase;
let server: Server;
let clients: TestClient[] = [];

beforeAll(async () => {
  test = await createTestDatabase();
  server = await Server.start(test.url);
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  try {
    await server?.end();
  } finally {
    await test?.drop();
  }
});

describe('POST /v1/messages', () => {
  it('stores one message and answers with its place', async () => {
    const { status, body } = await publish({ channel: 'user:one', type: 'hello', data: { a: 1 } });
    expect(status).toBe(200);
    expect(parse(rest.PublishedAnswer, body)).toMatchObject({ channel: 'user:one', seq: 1 });
    expect(await history('user:one')).toMatchObject([{ seq: 1, sender: null, type: 'hello', data: { a: 1 } }]);
  });

  it('gives the same answer to the same publish id, and says so', async () => {
    const message = { channel: 'user:same', type: 't', data: 1, publishId: 'invoice-7' };
    const [first, again] = [await publish(message), await publish(message)];
    expect(again.body).toEqual({ ...parse(rest.PublishedAnswer, first.body), repeated: true });
    const reused = await publish({ ...message, data: 2 });
    expect(reused).toMatchObject({ status: 409, body: { ok: false, error: { code: 1013, retryable: false } } });
    expect(await history('user:same')).toHaveLength(1);
  });

  it('stores one message for fifty identical writes at once', async () => {
    const message = { channel: 'user:fifty', type: 't', data: 1, publishId: 'once' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => publish(message)));
    const published = answers.map(({ body }) => parse(rest.PublishedAnswer, body));
    expect(new Set(published.map(({ id }) => id)).size).toBe(1);
    expect(published.filter(({ repeated }) => repeated !== true)).toHaveLength(1);
    expect(await history('user:fifty')).toHaveLength(1);
  });

  it('answers each item of a batch in its place, and stores them in their order', async () => {
    const messages = Array.from({ length: 1_000 }, (_, i) => ({ channel: `group:b${i % 3}`, type: 't', data: i }));
    const { status, body } = await publish({ messages });
    expect(status).toBe(200);
    const { results } = parse(rest.PublishedBatchAnswer, body);
    const places = results.map((result) => result.ok && `${result.channel}#${result.seq}`);
    expect(places).toEqual(messages.map(({ channel, data }) => `${channel}#${Math.floor(data / 3) + 1}`));
    expect((await history('group:b1')).map(({ data }) => data)).toEqual(
      Array.from({ length: 333 }, (_, i) => 3 * i + 1),
    );
  });

  it('reaches a connected user', async () => {
    const ada = await connect('reached');
    await publish({ channel: 'user:reached', type: 't', data: 'hello', metadata: { trace: 'x' } });
    await until('it arrives', () => ada.received.length === 1);
    expect(ada.received).toMatchObject([{ sender: null, data: 'hello', metadata: { trace: 'x' } }]);
  });
});

describe('GET /v1/messages/:id', () => {
  it('tells of every device it is for, and every attempt', async () => {
    const away = await connect('status', 'laptop');
    away.close();
    const phone = await connect('status', 'phone');
    const id = await publishId({ channel: 'user:status', type: 't', data: 1 });
    const status = await until('the phone has acknowledged', async () => {
      const found = await statusOf(id);
      return found.attempts.length > 0 && found;
    });
    expect(status).toMatchObject({
      isExpired: false,
      message: { id, seq: 1, data: 1 },
      recipients: [
        { user: 'status', deviceId: 'laptop', status: 'queued' },
        { user: 'status', deviceId: 'phone', status: 'delivered' },
      ],
      attempts: [
        {
          user: 'status',
          deviceId: 'phone',
          connectionId: phone.ready?.connectionId,
          instanceId: server.instanceId,
          attempt: 1,
          outcome: 'acknowledged',
          error: null,
        },
      ],
    });
    expect(Date.parse(status.attempts[0]?.sentAt ?? '')).toBeLessThanOrEqual(
      Date.parse(status.attempts[0]?.settledAt ?? ''),
    );
  });

  it('is for the devices of the members of a group, from their joining on', async () => {
    const [early, late] = [await connect('early'), await connect('late')];
    await server.rest('PUT', '/v1/channels/group%3Astatus/members/early');
    const first = await publishId({ channel: 'group:status', type: 't', data: 1 });
    await server.rest('PUT', '/v1/channels/group%3Astatus/members/late');
    const second = await publishId({ channel: 'group:status', type: 't', data: 2 });
    await until('all have arrived', () => early.received.length === 2 && late.received.length === 1);
    expect(await recipientsOf(first)).toEqual(['early']);
    expect(await recipientsOf(second)).toEqual(['early', 'late']);
  });

  it('says what expired before anybody got it', async () => {
    await connect('expired').then((client) => client.close());
    const id = await publishId({ channel: 'user:expired', type: 't', data: 1, ttlMs: 1 });
    const status = await until('it has expired', async () => {
      const found = await statusOf(id);
      return found.isExpired && found;
    });
    expect(status.recipients).toEqual([{ user: 'expired', deviceId: 'default', status: 'expired' }]);
  });

  it('knows nothing of an id it never gave', async () => {
    expect(await server.rest('GET', `/v1/messages/${NOWHERE}`)).toMatchObject(NOT_FOUND);
  });
});

describe('GET /v1/users/:id/connections', () => {
  it('lists where a user is connected now, and no more once it has left', async () => {
    const phone = await connect('here', 'phone');
    await connect('here', 'laptop');
    await connect('else');
    expect((await connectionsOf('here')).map(({ deviceId }) => deviceId)).toEqual(['phone', 'laptop']);
    expect(await connectionsOf('here')).toMatchObject([
      {
        connectionId: phone.ready?.connectionId,
        instanceId: server.instanceId,
        address: expect.stringContaining('127.0.0.1'),
      },
      {},
    ]);
    phone.close();
    await until('the phone is gone', async () => (await connectionsOf('here')).length === 1);
    expect(await connectionsOf('nobody')).toEqual([]);
  });
});

describe('GET /v1/channels/:channel/messages', () => {
  it('pages through a channel to its end', async () => {
    await publish({ messages: Array.from({ length: 7 }, (_, i) => ({ channel: 'group:paged', type: 't', data: i })) });
    const seen: unknown[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const { body } = await server.rest('GET', `/v1/channels/group%3Apaged/messages?after=${after}&limit=3`);
      const page = parse(rest.PageAnswer, body);
      expect(page.messages.length).toBeLessThanOrEqual(3);
      expect(page.lastSeq).toBe(7);
      seen.push(...page.messages.map(({ data }) => data));
      after = page.nextAfterSeq;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('leaves out what has expired, and goes on behind it', async () => {
    const item = (data: number, ttlMs?: number) => ({ channel: 'group:mixed', type: 't', data, ttlMs });
    await publish({ messages: [item(1), item(2, 1), item(3, 1), item(4)] });
    await until('two have expired', async () => (await history('group:mixed')).length === 2);
    const { body } = await server.rest('GET', '/v1/channels/group%3Amixed/messages?after=1&limit=2');
    expect(body).toMatchObject({ messages: [], nextAfterSeq: 3 });
  });

  it('is an empty page for a channel nobody published to', async () => {
    const { status, body } = await server.rest('GET', '/v1/channels/group%3Anever/messages');
    expect([status, body]).toEqual([
      200,
      { ok: true, channel: 'group:never', messages: [], lastSeq: 0, nextAfterSeq: null, nextBeforeSeq: null },
    ]);
  });
});

describe('/v1/channels/:channel/members/:user', () => {
  const path = '/v1/channels/group%3Astaff/members/ben';

  it('makes a member, connected or not, and ends the membership', async () => {
    const ben = await connect('ben');
    expect(await server.rest('PUT', path)).toEqual({
      status: 200,
      body: { ok: true, channel: 'group:staff', user: 'ben', seq: 0 },
    });
    await publish({ channel: 'group:staff', type: 't', data: 'tea' });
    await until('ben gets it', () => ben.bodies('group:staff').length === 1);
    expect(ben.memberships).toMatchObject([{ channel: 'group:staff', state: 'joined', seq: 0 }]);
    expect(await server.rest('PUT', path)).toMatchObject({ body: { seq: 0 } });

    expect((await server.rest('DELETE', path)).body).toEqual({ ok: true, channel: 'group:staff', user: 'ben' });
    await until('ben is told', () => ben.memberships.length === 2);
    await publish({ channel: 'group:staff', type: 't', data: 'no tea' });
    await publish({ channel: 'user:ben', type: 't', data: 'last' });
    await until('the last arrives', () => ben.bodies('user:ben').length === 1);
    expect(ben.bodies('group:staff')).toEqual(['tea']);
  });

  it('cannot end what is not', async () => {
    expect(await server.rest('DELETE', '/v1/channels/group%3Astaff/members/nobody')).toMatchObject(NOT_FOUND);
  });
});

function publish(body: unknown) {
  return server.rest('POST', '/v1/messages', body);
}

async function publishId(body: unknown): Promise<string> {
  return parse(rest.PublishedAnswer, (await publish(body)).body).id;
}

async function connect(user: string, deviceId?: string): Promise<TestClient> {
  const client = await TestClient.connect(server.url, { user, ...(deviceId === undefined ? {} : { deviceId }) });
  clients.push(client);
  return client;
}

async function history(channel: string) {
  const { body } = await server.rest('GET', `/v1/channels/${encodeURIComponent(channel)}/messages?limit=500`);
  return parse(rest.PageAnswer, body).messages;
}

async function statusOf(id: string) {
  const { body } = await server.rest('GET', `/v1/messages/${id}`);
  return parse(rest.MessageStatusAnswer, body);
}

async function recipientsOf(id: string): Promise<string[]> {
  return (await statusOf(id)).recipients.map(({ user }) => user);
}

async function connectionsOf(user: string) {
  const { body } = await server.rest('GET', `/v1/users/${user}/connections`);
  return parse(rest.ConnectionsAnswer, body).connections;
}
