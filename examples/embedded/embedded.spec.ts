import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import { API_KEY, JWT_SECRET, Server } from '../../test/support/server.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.js';
import { until } from '../../test/support/until.js';

const SHORT_LEASE = { LEASE_MS: '2000', BEAT_MS: '300' };

interface Received {
  readonly messages: { readonly data: unknown; readonly channel: string }[];
}

let database: TestDatabase;
let app: ChildProcess;
let url = '';
const lines: string[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  app = spawn(process.execPath, ['--enable-source-maps', 'dist/examples/embedded/main.js'], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      PORT: '0',
      JWT_SECRET,
      API_KEYS: `tests:${API_KEY}`,
      ...SHORT_LEASE,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  app.stderr?.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  if (app.stdout) createInterface({ input: app.stdout }).on('line', (line) => lines.push(line));
  url = await until('it serves', () => serving(), 55_000);
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.disconnect()));
afterAll(async () => {
  if (app.exitCode === null && app.signalCode === null) {
    app.kill('SIGKILL');
    await once(app, 'exit');
  }
  await database.drop();
});

function serving(): string | undefined {
  if (app.exitCode !== null) throw new Error(`the example ended:\n${lines.join('\n')}`);
  return lines.map((line) => /the example serves on (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
}

/** A socket of Trunkline inside the application, with all it received. */
function trunklineSocket(user: string): { socket: Socket; data: unknown[] } {
  const auth = { token: signToken(JWT_SECRET, { user, ttlMs: 300_000 }), deviceId: 'laptop' };
  const socket = io(url, { path: '/trunkline/socket.io', transports: ['websocket'], auth, forceNew: true });
  const data: unknown[] = [];
  socket.on('messages', ({ messages, ack }: Received & { ack: unknown }) => {
    data.push(...messages.map((message) => message.data));
    socket.emit('ack', ack);
  });
  sockets.push(socket);
  return { socket, data };
}

/** A socket of the application's own gateway, which begins with polling, as Socket.IO does by default. */
function ownSocket(): Socket {
  const socket = io(url, { forceNew: true });
  sockets.push(socket);
  return socket;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const KEY = { authorization: `Bearer ${API_KEY}` };

it('serves the sockets of Trunkline and those of the application on one server', async () => {
  const { socket, data } = trunklineSocket('ann');
  const own = ownSocket();
  await until('both are connected', () => socket.connected && own.connected);
  expect(await own.timeout(5_000).emitWithAck('whoami')).toBe(own.id);
  await until('the own one has become a WebSocket', () => own.io.engine.transport.name === 'websocket');
  const message = { channel: 'user:ann', type: 'note', data: 'over REST' };
  expect(await ask('POST', '/trunkline/v1/messages', message, KEY)).toMatchObject({ status: 200 });
  await until('it came', () => data.includes('over REST'));
  expect([socket.connected, own.connected]).toEqual([true, true]);
});

it('leaves filters, pipes and CORS of the application to its own routes', async () => {
  const origin = { origin: 'https://elsewhere.example' };
  const theirs = await ask('POST', '/api/invoices', { channel: 'user:ann' }, origin);
  expect([theirs.status, theirs.body]).toEqual([400, { shop: 'sorry' }]);
  expect(theirs.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(theirs.headers.get('x-instance-id')).toBeNull();
  const ours = await ask('POST', '/trunkline/v1/messages', { user: 'ann' }, { ...KEY, ...origin });
  expect([ours.status, ours.body]).toMatchObject([400, { ok: false, error: { code: 1000 } }]);
  expect(ours.headers.get('access-control-allow-origin')).toBeNull();
  const nowhere = await ask('GET', '/trunkline/nowhere');
  expect([nowhere.status, nowhere.body]).toMatchObject([404, { ok: false }]);
  const neighbour = await fetch(`${url}/trunklines`);
  expect([neighbour.status, neighbour.headers.get('x-instance-id')]).toEqual([404, null]);
  expect((await ask('GET', '/trunkline/health/ready')).status).toBe(200);
  expect((await ask('GET', '/trunkline')).body).toMatchObject({ sockets: '/trunkline/socket.io/' });
});

it('publishes in the transaction of the application: with what it commits, and not if it rolls back', async () => {
  const before = await database.query('select from trunkline.outbox union all select from trunkline.messages');
  expect((await ask('POST', '/api/invoices', { user: 'bob', amount: 2_000 })).status).toBe(422);
  const after = await database.query('select from trunkline.outbox union all select from trunkline.messages');
  expect(after).toHaveLength(before.length);

  expect((await ask('POST', '/api/invoices', { user: 'bob', amount: 7 })).status).toBe(201);
  await until(
    'it waits for its user',
    async () => ((await ask('GET', '/api/invoices/untold')).body as unknown[]).length === 1,
  );
  expect((await ask('GET', '/api/invoices/online')).body).toEqual([]);
  const { data } = trunklineSocket('bob');
  await until('it came', () => data.length > 0);
  expect(data).toEqual([{ amount: 7 }]);
  await until(
    'its user was told',
    async () => ((await ask('GET', '/api/invoices/untold')).body as unknown[]).length === 0,
  );
  expect((await ask('GET', '/api/invoices/online')).body).toMatchObject([{ user: 'bob', amount: 7 }]);
});

it('goes on under a new identity when its lease is lost, and the application does not end', async () => {
  const instanceOf = async (): Promise<string> =>
    (await ask('GET', '/trunkline/health/ready')).headers.get('x-instance-id') ?? '';
  const lost = await instanceOf();
  const own = ownSocket();
  const { socket } = trunklineSocket('cleo');
  await until('both are connected', () => socket.connected && own.connected);
  const ownId = own.id;
  const reasons: string[] = [];
  socket.on('disconnect', (reason) => reasons.push(reason));
  const peer = await Server.start(database.url, SHORT_LEASE);
  try {
    app.kill('SIGSTOP');
    const rows = () => database.query('select from trunkline.instances where instance_id = $1', [lost]);
    await until('its peer has given it up', async () => (await rows()).length === 0);
    app.kill('SIGCONT');
    await until('its socket is closed', () => reasons.length > 0);
    await until('it serves under another id', async () => ![lost, ''].includes(await instanceOf()));
    await until('its client is back', () => socket.connected);
    expect(own.id).toBe(ownId);
    expect(await own.timeout(5_000).emitWithAck('whoami')).toBe(ownId);
    expect(app.exitCode).toBeNull();
  } finally {
    app.kill('SIGCONT');
    await peer.end();
  }
});

it('drains when the application is closed, which then ends', async () => {
  const { socket } = trunklineSocket('dan');
  let isTold = false;
  socket.on('reconnect', () => (isTold = true));
  await until('it is connected', () => socket.connected);
  const exited = once(app, 'exit');
  app.kill('SIGTERM');
  await until('the client is sent elsewhere', () => isTold);
  expect(await exited).toEqual([0, null]);
  expect(await database.query('select from trunkline.instances')).toEqual([]);
}, 60_000);
