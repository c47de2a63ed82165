import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { io } from 'socket.io-client';
import { inDays } from '../support/in-days.js';
import { API_KEY, JWT_SECRET, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { TestClient, tokenFor } from '../support/test-client.js';
import { until } from '../support/until.js';

/* What is in the logs, and what is not: everything is logged here that can be. */

const BODY = 'canary-in-a-body';
const WRONG_KEY = 'canary-as-an-api-key';
const ADMIN_KEY = 'canary-as-a-key-of-an-operator-who-reads';
const EVIL = 'canary\n{"level":60,"msg":"forged"}\u001b[31m';

let database: TestDatabase;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, { LOG_LEVEL: 'trace', ADMIN_API_KEYS: `eyes:${ADMIN_KEY}:read` });
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database.drop();
});

interface Line {
  readonly msg: string;
  readonly level: number;
  readonly requestId?: string;
  readonly [name: string]: unknown;
}

const lines = (): Line[] => server.lines.map((line) => JSON.parse(line) as Line);
const linesOf = (requestId: string): Line[] => lines().filter((line) => line.requestId === requestId);

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url + path, { method, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** As a client that speaks neither HTTP libraries' nor Socket.IO's good manners. @returns the first bytes of the answer */
function upgrade(path: string, headers: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
      ),
    );
    socket.once('data', (chunk) => {
      resolve(chunk.toString());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('X-Instance-Id and X-Request-Id', () => {
  const JSON_HEADERS = { 'content-type': 'application/json' };
  const key = { authorization: `Bearer ${API_KEY}` };

  it.each<[string, number, () => Promise<Answer>]>([
    [
      'a message that was stored',
      200,
      () => ask('/v1/messages', { ...JSON_HEADERS, ...key }, 'POST', '{"channel":"user:a","type":"t","data":1}'),
    ],
    ['a request without a key', 401, () => ask('/v1/dead-letters')],
    ['a route that is none', 404, () => ask('/nowhere')],
    ['a body that is no JSON', 400, () => ask('/v1/messages', { ...JSON_HEADERS, ...key }, 'POST', '{')],
    ['health', 200, () => ask('/health')],
    ['the documentation', 200, () => ask('/docs-json')],
    ['Engine.IO, over a transport that is off', 400, () => ask('/socket.io/?EIO=4&transport=polling')],
  ])('are on the answer to %s', async (_, status, send) => {
    const answer = await send();
    expect(answer).toMatchObject({
      status,
      headers: { 'x-instance-id': server.instanceId, 'x-request-id': expect.stringMatching(/^[\w-]{36}$/) as string },
    });
  });

  it('are on the upgrade to a WebSocket', async () => {
    const answer = await upgrade('/socket.io/?EIO=4&transport=websocket', 'X-Request-Id: upgrade-1\r\n');
    expect(answer).toContain('101 Switching Protocols');
    expect(answer).toContain(`X-Instance-Id: ${server.instanceId}`);
    expect(answer).toContain('X-Request-Id: upgrade-1');
  });

  it('keep an id that a request brings, and put it into its log lines', async () => {
    const id = 'Root=1-67891233-abcdef012345678912345678';
    const { headers } = await ask('/v1/messages/nowhere?token=canary', { 'x-request-id': id, ...key });
    expect(headers['x-request-id']).toBe(id);
    await until('it is logged', () => linesOf(id).some(({ msg }) => msg === 'request'));
    const [instanceId] = [server.instanceId];
    expect(linesOf(id)).toEqual([
      expect.objectContaining({ msg: 'request refused', code: 1000, instanceId }),
      expect.objectContaining({ msg: 'request', level: 20, method: 'GET', path: '/v1/messages/nowhere', status: 400 }),
    ]);
  });

  it.each(['', 'a'.repeat(101), 'a b', 'a"b', 'a\u00e9'])('replace the id %j', async (id) => {
    const { headers } = await ask('/health/live', { 'x-request-id': id });
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
  });
});

describe('a run with sockets, REST and faults', () => {
  it('leaves the ids of who did what, and neither token nor key nor body in the logs', async () => {
    const tokens = [
      tokenFor({ user: 'ann' }),
      tokenFor({ user: 'ann', ttlMs: -60_000 }),
      `${tokenFor({ user: 'bob' })}x`,
    ];
    await publishAndFail(tokens[0] ?? '');
    for (const token of tokens.slice(1)) await refuse({ auth: { token } });
    await refuse({ query: { token: tokens[0] } });
    await refuse({ auth: { token: tokens[0], deviceId: EVIL } });
    await failInTheDatabase();
    const isFailure = ({ msg, level, status }: Line): boolean => msg === 'request' && level === 50 && status === 500;
    await until('the failure is logged', () => lines().some(isFailure));

    const text = server.lines.join('\n');
    const secrets = [
      ...tokens.flatMap((token) => token.split('.').slice(1)),
      JWT_SECRET,
      API_KEY,
      ADMIN_KEY,
      WRONG_KEY,
      BODY,
    ];
    for (const secret of [...secrets, new URL(database.url).password]) expect(text).not.toContain(secret);
    for (const line of lines())
      expect(line).toMatchObject({ level: expect.any(Number) as number, instanceId: server.instanceId });
    expect(lines().filter(({ level }) => level === 60)).toEqual([]);
    expect(text).not.toContain('\u001b');
    expect(Math.max(...server.lines.map(({ length }) => length))).toBeLessThan(5_000);
    // It was not silence that kept them.
    const said = new Set(lines().map(({ msg }) => msg));
    expect([...said]).toEqual(expect.arrayContaining(['handshake refused', 'request failed', 'request', 'connected']));
    expect(lines()).toContainEqual(
      expect.objectContaining({ user: 'ann', connectionId: expect.any(String) as string }),
    );
  });
});

/** What is taken, and what is refused for its form. */
async function publishAndFail(token: string): Promise<void> {
  const ann = await TestClient.connect(server.url, { user: 'ann', token });
  const message = { channel: 'user:ann', type: 't', data: { text: BODY }, metadata: { note: BODY } };
  try {
    await ann.must('publish', message);
    for (const wrong of [
      { ...message, channel: EVIL },
      { ...message, data: `\ud800${BODY}` },
      { ...message, [EVIL]: BODY },
    ])
      expect(await ann.send('publish', wrong)).toMatchObject({ ok: false });
    await ann.send(`publish${EVIL}`, message);
    await ann.send('token', { token: `${token}x` });
  } finally {
    ann.close();
  }
  await server.rest('POST', '/v1/messages', message);
  await server.rest('POST', '/v1/messages', { messages: [message, { ...message, type: '' }] });
  await server.rest('POST', '/v1/messages', `{"data":"${BODY}"`);
  await server.rest('POST', '/v1/messages', message, WRONG_KEY);
  await server.rest('GET', '/admin/v1/status', undefined, ADMIN_KEY);
  await server.rest('DELETE', '/admin/v1/connections/none', undefined, ADMIN_KEY);
  await server.rest('GET', '/admin/v1/status', undefined, WRONG_KEY);
  await server.rest('GET', `/v1/users/${encodeURIComponent(EVIL)}/connections?token=${token}`);
}

async function refuse(options: object): Promise<void> {
  const socket = io(server.url, { transports: ['websocket'], reconnection: false, forceNew: true, ...options });
  await new Promise((resolve) => socket.on('connect_error', resolve));
  socket.close();
}

/** PostgreSQL quotes the row that broke a constraint: its detail has the body. */
async function failInTheDatabase(): Promise<void> {
  await database.query(
    `alter table trunkline.messages add constraint quotes_the_row check (type <> 'quoted') not valid`,
  );
  await database.query(`create function trunkline.fail() returns trigger language plpgsql as
    $$ begin raise exception 'broken' using errcode = 'XX000', detail = new.body; end $$`);
  await database.query(
    `create trigger fail before insert on trunkline.outbox for each row execute function trunkline.fail()`,
  );
  const message = { channel: 'user:ann', type: 'quoted', data: BODY };
  expect(await server.rest('POST', '/v1/messages', message)).toMatchObject({ status: 500 });
  const scheduled = { ...message, sendAt: inDays(300) };
  expect(await server.rest('POST', '/v1/messages/scheduled', scheduled)).toMatchObject({ status: 500 });
}
