import { API_KEY, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { RawHttp } from '../limits/raw-http.js';

/* Clients that open a connection and take their time. */

const LIMIT = 20;

let database: TestDatabase;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, {
    MAX_PENDING_PER_ADDRESS: String(LIMIT),
    TRUST_PROXY: '127.0.0.9',
    METRICS: 'on',
    METRICS_PORT: '0',
  });
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database.drop();
});

const openOf = (all: readonly RawHttp[]): number => all.filter(({ isClosed }) => !isClosed).length;

async function openMany(count: number, from: string): Promise<RawHttp[]> {
  const all: RawHttp[] = [];
  for (let turn = 0; turn < count; turn++) all.push(await RawHttp.open(server.url, from));
  return all;
}

describe('TCP connections that say nothing', () => {
  it('give way, the oldest first, to newer ones of their address, and nobody else’s', async () => {
    const slow = await openMany(5 * LIMIT, '127.0.0.2');
    await until('as many are open as may be', () => openOf(slow) <= LIMIT);
    expect(slow.slice(0, -LIMIT).every(({ isClosed }) => isClosed)).toBe(true);
    const other = await openMany(LIMIT, '127.0.0.3');
    other[0]?.head('GET /health/live');
    expect((await other[0]?.answer())?.status).toBe(200);
    expect(openOf(slow)).toBeGreaterThan(0);
    for (const { socket } of [...slow, ...other]) socket.destroy();
  });

  it('do not keep out a client of their own address', async () => {
    const slow = await openMany(LIMIT, '127.0.0.1');
    const client = await TestClient.connect(server.url, { user: 'ann' });
    await client.must('publish', { channel: 'user:ann', type: 't', data: 1 });
    const { body } = await server.rest('GET', '/v1/users/ann/connections');
    expect(body).toMatchObject({ connections: [{ deviceId: 'default' }] });
    slow.push(...(await openMany(2 * LIMIT, '127.0.0.1')));
    await client.must('publish', { channel: 'user:ann', type: 't', data: 2 });
    client.close();
    for (const { socket } of slow) socket.destroy();
  });

  it('are not counted for a trusted proxy, nor once they have shown a good key', async () => {
    const proxied = await openMany(3 * LIMIT, '127.0.0.9');
    const known = await openMany(LIMIT, '127.0.0.4');
    for (const raw of known)
      raw.head('POST /v1/messages', {
        Authorization: `Bearer ${API_KEY}`,
        Expect: '100-continue',
        'Content-Type': 'application/json',
        'Content-Length': 100,
      });
    for (const raw of known) expect((await raw.answer()).status).toBe(100);
    const more = await openMany(LIMIT, '127.0.0.4');
    expect([openOf(proxied), openOf(known), openOf(more)]).toEqual([3 * LIMIT, LIMIT, LIMIT]);
    for (const { socket } of [...proxied, ...known, ...more]) socket.destroy();
  });
});

it('a slow head and a slow body end by themselves, on the port of the metrics as well', async () => {
  const { metrics } = JSON.parse(server.lines.find((line) => line.includes('"msg":"serving"')) ?? '{}') as {
    metrics: string;
  };
  const heads = await Promise.all([server.url, metrics].map((url) => RawHttp.open(url)));
  const silent = await RawHttp.open(server.url);
  const body = await RawHttp.ask(server.url, 'POST /v1/messages', {
    Authorization: `Bearer ${API_KEY}`,
    'Content-Type': 'application/json',
    'Content-Length': 1_000,
  });
  for (const { socket } of heads) socket.write('GET /health HTTP/1.1\r\n');
  const drip = setInterval(() => {
    for (const { socket } of heads) socket.write('X-Slow: 1\r\n');
    body.socket.write('x');
  }, 500);
  try {
    await Promise.all([...heads, silent].map((raw) => raw.closed(25_000)));
    expect(body.isClosed).toBe(false);
    await body.closed(40_000);
  } finally {
    clearInterval(drip);
  }
}, 90_000);
