import { gzipSync } from 'node:zlib';
import { API_KEY, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { RawHttp } from './raw-http.js';

/* These tests show how much of a request is read before it is known who asks. */

const MEGABYTE = 1_048_576;
const ADMIN_KEY = 'the-key-of-an-operator';
const KEY = { Authorization: `Bearer ${API_KEY}` };
const JSON_OF = (bytes: number) => ({ 'Content-Type': 'application/json', 'Content-Length': bytes });

let database: TestDatabase;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, {
    ADMIN_API_KEYS: `hands:${ADMIN_KEY}:read+operate`,
    SUSPICIONS_PER_MINUTE: '0',
  });
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database.drop();
});

describe('Without a key', () => {
  it.each([
    [401, 'POST /v1/messages'],
    [401, 'POST /V1/Messages'],
    [401, 'POST /v1/nothing'],
    [401, 'PUT /v1'],
    [401, 'GET /v1/messages/7'],
    [401, 'POST /admin/v1/jobs/partitions/run'],
    [401, 'POST /admin/nothing'],
    [404, 'POST /nothing'],
    [404, 'POST /v1x'],
    [404, 'POST /health'],
    [404, 'POST /docs'],
  ])('answers %i to %s before a byte of the body has come, and hangs up', async (status, firstLine) => {
    const raw = await RawHttp.ask(server.url, firstLine, JSON_OF(8 * MEGABYTE));
    expect((await raw.answer()).status).toBe(status);
    await raw.closed();
  });

  it('answers before a byte of a body without a length has come', async () => {
    const raw = await RawHttp.ask(server.url, 'POST /v1/messages', { 'Transfer-Encoding': 'chunked' });
    expect((await raw.answer()).status).toBe(401);
    await raw.closed();
  });

  it('sees a body whose length stands behind as many headers as fit', async () => {
    const many = Object.fromEntries(Array.from({ length: 2_050 }, (_, index) => [index.toString(36), '']));
    const raw = await RawHttp.ask(server.url, 'POST /nothing', { ...many, ...JSON_OF(8 * MEGABYTE) });
    expect((await raw.answer()).head).toMatch(/connection: close/i);
    await raw.closed();
  });

  it('does not ask for a body that a client holds back', async () => {
    const headers = { ...JSON_OF(MEGABYTE), Expect: '100-continue' };
    const raw = await RawHttp.ask(server.url, 'POST /v1/messages', headers);
    expect((await raw.answer()).status).toBe(401);
    expect(raw.text).not.toContain('100 Continue');
  });

  it('is told so also if it has sent eight megabytes by then', async () => {
    const body = JSON.stringify('x'.repeat(8 * MEGABYTE - 2));
    for (let turn = 0; turn < 10; turn++) {
      const { status, body: answer } = await server.rest('POST', '/v1/messages', body, null);
      expect([status, answer]).toMatchObject([401, { error: { code: 2004 } }]);
    }
  });

  it('is told the same on a path that exists and on one that does not', async () => {
    for (const area of ['/v1', '/admin/v1']) {
      const answers = ['/messages', '/jobs', '/nothing', '/nothing/at/all'].map((path) =>
        server.rest('GET', area + path, undefined, null),
      );
      for (const answer of await Promise.all(answers)) expect(answer).toEqual(await answers[0]);
    }
  });
});

describe('With a key', () => {
  it('asks for a body that the client holds back', async () => {
    const body = JSON.stringify({ channel: 'user:ann', type: 't', data: 1 });
    const headers = { ...KEY, ...JSON_OF(body.length), Expect: '100-continue' };
    const raw = await RawHttp.ask(server.url, 'POST /v1/messages', headers);
    expect((await raw.answer()).status).toBe(100);
    raw.text = '';
    raw.socket.write(body);
    expect((await raw.answer()).status).toBe(200);
    raw.socket.destroy();
  });

  it('takes eight megabytes where batches are published, and elsewhere as much as one message takes', async () => {
    const messages = Array.from({ length: 110 }, () => ({ channel: 'user:ann', type: 't', data: 'x'.repeat(64_000) }));
    const batch = JSON.stringify({ messages });
    expect(batch.length).toBeGreaterThan(6 * MEGABYTE);
    expect((await server.rest('POST', '/v1/messages', batch)).status).toBe(200);
    for (const [path, bytes, key] of [
      ['POST /v1/messages', 8 * MEGABYTE + 1, API_KEY],
      ['POST /v1/messages/scheduled', MEGABYTE, API_KEY],
      ['PUT /v1/channels/group%3Atea/members/ann', MEGABYTE, API_KEY],
      ['POST /v1/nothing', MEGABYTE, API_KEY],
      ['POST /admin/v1/jobs/partitions/run', MEGABYTE, ADMIN_KEY],
    ] as const) {
      const raw = await RawHttp.ask(server.url, path, { Authorization: `Bearer ${key}`, ...JSON_OF(bytes) });
      const { status, head } = await raw.answer();
      expect([path, status, head]).toEqual([path, 413, expect.stringMatching(/connection: close/i)]);
      await raw.closed();
    }
  });

  it('stops reading a body without a length at the limit', async () => {
    const headers = { ...KEY, 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    const raw = await RawHttp.ask(server.url, 'POST /v1/messages/scheduled', headers);
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let sent = 0; sent < 16 && !raw.isClosed; sent++) raw.socket.write(chunk);
    expect((await raw.answer()).status).toBe(413);
    await raw.closed();
  });

  it.each(['gzip', 'deflate', 'br', 'zstd', 'identity, gzip'])('takes no body in %s', async (encoding) => {
    const body = gzipSync(Buffer.alloc(7 * MEGABYTE, 32));
    const headers = { ...KEY, ...JSON_OF(body.length), 'Content-Encoding': encoding };
    const raw = await RawHttp.ask(server.url, 'POST /v1/messages', headers);
    expect((await raw.answer()).status).toBe(400);
    await raw.closed();
    expect(raw.text).toContain('Content-Encoding');
  });

  it('stores one message, however many ask for it at the same time with one publish id', async () => {
    const message = { channel: 'user:bob', type: 't', data: 'once', publishId: 'the-same' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.rest('POST', '/v1/messages', message)));
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { seq: 1 } });
    const rows = await database.query(`select 1 from trunkline.messages where channel = 'user:bob'`);
    expect(rows).toHaveLength(1);
  });
});
