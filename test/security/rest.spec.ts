import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { parse, rest } from '#protocol';
import { API_KEY, type RestAnswer } from '../support/server.js';
import { until } from '../support/until.js';
import { SECRET_TEXT, Target } from './target.js';

const MEGABYTE = 1_048_576;
const LAB = 'group:lab';
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const JSON_TYPE = { 'content-type': 'application/json' };
const WITH_KEY = { authorization: `Bearer ${API_KEY}` };

const ROUTES = [
  ['POST', '/v1/messages'],
  ['GET', `/v1/messages/${UNKNOWN_ID}`],
  ['GET', '/v1/users/ada/connections'],
  ['GET', '/v1/users/ada/presence'],
  ['GET', '/v1/users/ada/sessions'],
  ['DELETE', '/v1/users/ada/sessions/device%3Aphone'],
  ['GET', '/v1/channels/group%3Alab/presence'],
  ['GET', '/v1/channels/group%3Alab/messages'],
  ['PUT', '/v1/channels/group%3Alab/members/ada'],
  ['DELETE', '/v1/channels/group%3Alab/members/ada'],
] as const;

let target: Target;

beforeAll(async () => {
  target = await Target.start({ SUSPICIONS_PER_MINUTE: '0' });
  await send('POST', '/v1/messages', message());
});
afterAll(() => target?.end());

describe.each(ROUTES)('%s %s', (method, path) => {
  it.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['a wrong key', { authorization: `Bearer ${SECRET_TEXT}` }],
    ['a part of the key', { authorization: `Bearer ${API_KEY.slice(0, -1)}` }],
    ['an empty key', { authorization: 'Bearer ' }],
    ['the key in the wrong scheme', { authorization: `Basic ${Buffer.from(`tests:${API_KEY}`).toString('base64')}` }],
    ['the name of the key', { 'x-api-key': 'tests' }],
  ])('answers 401 and 2004 to %s', async (_, headers) => {
    const body = method === 'POST' ? message() : undefined;
    const answer = await target.survives(() => send(method, path, body, headers));
    expect(answer).toMatchObject(refusal(401, 2004));
  });
});

describe('the API key', () => {
  it('counts in no URL', async () => {
    const path = `/v1/users/ada/connections?key=${API_KEY}&api_key=${API_KEY}`;
    expect(await target.survives(() => send('GET', path, undefined, {}))).toMatchObject(refusal(401, 2004));
  });

  it('may come as X-API-Key', async () => {
    const answer = await send('GET', '/v1/users/ada/connections', undefined, { 'x-api-key': API_KEY });
    expect(answer.status).toBe(200);
  });
});

interface Body {
  readonly of: string;
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: number;
}

const BODIES: Body[] = [
  { of: 'broken JSON', body: `{"channel":"${SECRET_TEXT}`, status: 400, code: 1015 },
  { of: 'nothing but a brace', body: '{', status: 400, code: 1015 },
  { of: 'JSON with a comment', body: '{} // x', status: 400, code: 1015 },
  { of: 'nothing', body: '', status: 400, code: 1015 },
  { of: 'a list', body: JSON.stringify([message()]), status: 400, code: 1000 },
  { of: 'a string', body: JSON.stringify(SECRET_TEXT), status: 400, code: 1000 },
  { of: 'null', body: 'null', status: 400, code: 1000 },
  { of: 'an empty object', body: '{}', status: 400, code: 1000 },
  { of: 'a form', ...typed('application/x-www-form-urlencoded'), body: 'channel=group:lab', status: 400, code: 1015 },
  { of: 'text', ...typed('text/plain'), body: JSON.stringify(message()), status: 400, code: 1015 },
  { of: 'XML', ...typed('application/xml'), body: `<a>${SECRET_TEXT}</a>`, status: 400, code: 1015 },
  {
    of: 'a character set nobody knows',
    ...typed('application/json; charset=klingon'),
    body: '{}',
    status: 400,
    code: 1015,
  },
  {
    of: 'UTF-16',
    ...typed('application/json; charset=utf-16'),
    body: Buffer.from(JSON.stringify(message()), 'utf16le'),
    status: 400,
    code: 1015,
  },
  { of: 'an encoding nobody knows', ...encoded('klingon'), body: '{}', status: 400, code: 1000 },
  { of: 'gzip that is none', ...encoded('gzip'), body: JSON.stringify(message()), status: 400, code: 1000 },
  {
    of: 'gzip cut short',
    ...encoded('gzip'),
    body: gzipSync('x'.repeat(9_999)).subarray(0, 20),
    status: 400,
    code: 1000,
  },
  { of: 'more than 8 MB', body: JSON.stringify('x'.repeat(8 * MEGABYTE)), status: 413, code: 1003 },
  {
    of: '50 MB in a gzip of 50 KB',
    ...encoded('gzip'),
    body: gzipSync(Buffer.alloc(50 * MEGABYTE, 32)),
    status: 400,
    code: 1000,
  },
  { of: '200,000 levels', body: `{"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, status: 400, code: 1000 },
  { of: 'a message 33 deep', body: nestedMessage(33), status: 400, code: 1004 },
  { of: 'a message 100,000 deep', body: nestedMessage(100_000), status: 400, code: 1004 },
  { of: 'a message of 64 KiB and a byte', body: text({ data: 'x'.repeat(65_535) }), status: 413, code: 1003 },
  { of: 'a message of 1,001 keys', body: text({ data: keys(1_001) }), status: 400, code: 1005 },
  { of: 'a message with \\u0000', body: text({ data: 'a\0' }), status: 400, code: 1006 },
  { of: 'a message with half a surrogate pair', body: text({ data: '\ud800' }), status: 400, code: 1006 },
  { of: 'a message with ttl 0', body: text({ ttlMs: 0 }), status: 400, code: 1007 },
  { of: 'a message with ttl 1e400', body: text({ ttlMs: 7 }).replace(':7', ':1e400'), status: 400, code: 1007 },
  { of: 'a message with a sender', body: text({ sender: 'canary' }), status: 400, code: 1008 },
  { of: 'a message with __proto__', body: text({ x: {} }).replace('"x"', '"__proto__"'), status: 400, code: 1008 },
  { of: 'a message to no channel', body: text({ channel: 'lab' }), status: 400, code: 1002 },
  { of: 'a batch of nothing', body: JSON.stringify({ messages: [] }), status: 400, code: 1000 },
  { of: 'a batch that is no list', body: JSON.stringify({ messages: message() }), status: 400, code: 1000 },
  {
    of: 'a batch with a field beside it',
    body: JSON.stringify({ messages: [message()], x: 1 }),
    status: 400,
    code: 1008,
  },
  { of: 'a batch of 1,001', body: JSON.stringify({ messages: Array(1_001).fill(message()) }), status: 413, code: 1014 },
];

describe('POST /v1/messages', () => {
  it.each(BODIES)('answers $status and $code to a body of $of', async ({ body, headers = {}, status, code }) => {
    const answer = await target.survives(() => send('POST', '/v1/messages', body, { ...WITH_KEY, ...headers }));
    expect(answer).toMatchObject(refusal(status, code));
    expect(JSON.stringify(answer)).not.toContain(SECRET_TEXT);
  });

  it.each([
    ['broken channel', { channel: 'lab' }, 1002],
    ['a deep body', { data: JSON.parse('['.repeat(33) + ']'.repeat(33)) as unknown }, 1004],
    ['\\u0000', { data: '\0' }, 1006],
    ['a sender', { sender: 'canary' }, 1008],
    ['another body for a used publish id', { publishId: 'id-1', data: 'other' }, 1013],
  ])('stores 99 of a batch of 100 in which one has %s', async (_, poison, code) => {
    const batch = Array.from({ length: 100 }, (_, i) => message({ data: i, ...(i === 57 ? poison : {}) }));
    batch[1] = message({ data: 1, publishId: 'id-1' });
    // the publish id is new for the first of these batches alone
    const isFirst = code === 1002;
    const leaves = isFirst ? { messages: 99, publish_ids: 1 } : { messages: 98 };
    const { body } = await target.survives(() => send('POST', '/v1/messages', { messages: batch }), leaves);
    const { results } = parse(rest.PublishedBatchAnswer, body);
    const refused = results.flatMap((result, index) => (result.ok ? [] : [{ place: index, code: result.error.code }]));
    expect(refused).toEqual([{ place: 57, code }]);
  });

  it('stores nothing of an upload that ends too early', async () => {
    await target.survives(async () => {
      const { hostname, port } = new URL(target.server.url);
      const socket = connect(Number(port), hostname);
      const head = ['POST /v1/messages HTTP/1.1', 'Host: x', `Authorization: Bearer ${API_KEY}`];
      socket.write([...head, 'Content-Type: application/json', 'Content-Length: 500', '', '{"channel":'].join('\r\n'));
      await new Promise((sent) => socket.once('connect', sent));
      await until('the server has read it', () => socket.bytesWritten > 0 && socket.writableLength === 0);
      socket.destroy();
    });
  });
});

describe('a path or a query', () => {
  it.each<[number, number, string, string, string]>([
    [404, 1012, 'of no route', 'GET', '/v1/nothing'],
    [404, 1012, 'of no version', 'GET', '/messages'],
    [404, 1012, 'with a method it has not', 'PATCH', '/v1/messages'],
    [404, 1012, 'above the root', 'GET', '/v1/../../etc/passwd'],
    [400, 1000, 'with broken percent encoding', 'GET', '/v1/users/%E0%A4%A/connections'],
    [400, 1000, 'with half a percent sign', 'GET', '/v1/channels/%/messages'],
    [400, 1002, 'with %00 in a channel', 'GET', '/v1/channels/group%3Alab%00/messages'],
    [400, 1002, 'with a channel of no known kind', 'GET', '/v1/channels/lab/messages'],
    [400, 1002, 'with SQL for a channel', 'GET', `/v1/channels/${encodeURIComponent("group:'; --")}/messages`],
    [400, 1000, 'with %00 in a user', 'GET', '/v1/users/ada%00/connections'],
    [400, 1000, 'with a user of 201 characters', 'GET', `/v1/users/${'x'.repeat(201)}/connections`],
    [400, 1000, 'with an id that is none', 'GET', '/v1/messages/7'],
    [400, 1000, 'with SQL for an id', 'GET', `/v1/messages/${encodeURIComponent("' or 1=1")}`],
    [404, 1012, 'with an id nobody gave', 'GET', `/v1/messages/${UNKNOWN_ID}`],
    [400, 1002, 'with members of an inbox', 'PUT', '/v1/channels/user%3Acanary/members/ada'],
    [400, 1002, 'with members of broadcast', 'PUT', '/v1/channels/broadcast/members/ada'],
    [400, 1000, 'with a member that cannot be one', 'PUT', '/v1/channels/group%3Alab/members/a%09b'],
    [400, 1000, 'with SQL of two lines for a user', 'GET', `/v1/users/${encodeURIComponent("' or\n1=1")}/presence`],
    [400, 1002, 'with the presence of broadcast', 'GET', '/v1/channels/broadcast/presence'],
    [400, 1002, 'with the presence of a pattern', 'GET', '/v1/channels/group%3A*/presence'],
    [400, 1000, 'with %00 in a user with sessions', 'GET', '/v1/users/ada%00/sessions'],
    [400, 1000, 'with %00 in a session', 'DELETE', '/v1/users/canary/sessions/device%3A%00'],
    [400, 1000, 'with a session of 201 characters', 'DELETE', `/v1/users/canary/sessions/${'x'.repeat(201)}`],
    [404, 1012, 'with the session of somebody else', 'DELETE', '/v1/users/ada/sessions/device%3Adefault'],
    [404, 1012, 'with SQL for a session', 'DELETE', "/v1/users/canary/sessions/'or'1'='1"],
    [404, 1012, 'with a session of every object', 'DELETE', '/v1/users/canary/sessions/__proto__'],
    [404, 1012, 'with all sessions', 'DELETE', '/v1/users/canary/sessions/%25'],
    [404, 1012, 'with a member that is none', 'DELETE', '/v1/channels/group%3Alab/members/ada'],
    ...[
      'after=-1',
      'after=x',
      'after=1.5',
      'after=1e400',
      'after=9007199254740993',
      'after=1&after=2',
      'limit=0',
      'limit=501',
      'limit=1000000000',
      'limit=-5',
      'limit=ten',
      'limit=',
    ].map((query): [number, number, string, string, string] => [
      400,
      1000,
      `?${query}`,
      'GET',
      `/v1/channels/group%3Alab/messages?${query}`,
    ]),
    ...['x=1', '__proto__=1', 'constructor=1', 'after[gt]=1', 'limit[]=5'].map(
      (query): [number, number, string, string, string] => [
        400,
        1008,
        `?${query}`,
        'GET',
        `/v1/channels/group%3Alab/messages?${query}`,
      ],
    ),
  ])('answers %i and %i: %s', async (status, code, _, method, path) => {
    // Who asked for a session to end stands in the audit, also if it was not there.
    const leaves = method === 'DELETE' && path.startsWith('/v1/users/ada/') ? { admin_audit: 1 } : {};
    const answer = await target.survives(() => send(method, path), leaves);
    expect(answer).toMatchObject(refusal(status, code));
  });

  it('far behind the end of a channel gives an empty page', async () => {
    const path = `/v1/channels/group%3Alab/messages?after=${Number.MAX_SAFE_INTEGER}`;
    expect(await target.survives(() => send('GET', path))).toMatchObject({ status: 200, body: { messages: [] } });
  });
});

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = WITH_KEY,
): Promise<RestAnswer> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const response = await fetch(target.server.url + path, {
    method,
    headers: { ...JSON_TYPE, ...headers },
    ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
  });
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return { status: response.status, body: (await response.json()) as RestAnswer['body'] };
}

function refusal(status: number, code: number): object {
  return { status, body: { ok: false, error: { code, message: expect.any(String), retryable: false } } };
}

function message(change: object = {}): object {
  return { channel: LAB, type: 't', data: SECRET_TEXT, ...change };
}

function text(change: object): string {
  return JSON.stringify(message(change));
}

function nestedMessage(depth: number): string {
  return text({ data: 0 }).replace('"data":0', `"data":${'['.repeat(depth)}${']'.repeat(depth)}`);
}

function keys(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0]));
}

function typed(type: string): { headers: Record<string, string> } {
  return { headers: { 'content-type': type } };
}

function encoded(encoding: string): { headers: Record<string, string> } {
  return { headers: { 'content-encoding': encoding } };
}
