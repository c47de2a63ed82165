import { API_KEY } from '../support/server.js';
import { until } from '../support/until.js';
import { SECRET_TEXT, Target } from '../security/target.js';
import { RawSocket } from './attack/wire/raw-socket.js';
import { exchange, requestText, upgradeText } from './exchange.js';

const ADMIN_KEY = 'a-key-for-operators-in-tests';
/** The rows come faster than a stranger may fail, so these limits are off. */
const NO_HURRY = { STRANGER_REQUESTS_PER_S: '0', SUSPICIONS_PER_MINUTE: '0' };
const GOOD = 'EIO=4&transport=websocket';
const JSON_TYPE = 'Content-Type: application/json';
const KEY = `Authorization: Bearer ${API_KEY}`;
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let target: Target;

beforeAll(async () => {
  target = await Target.start({ ...NO_HURRY, ADMIN_API_KEYS: `eyes:${ADMIN_KEY}:read` });
});
afterAll(() => target?.end());

describe('a request for a transport', () => {
  it.each([
    ['without a version', 'transport=websocket'],
    ['of version 5', 'EIO=5&transport=websocket'],
    ['of version 3', 'EIO=3&transport=websocket'],
    ['of an empty version', 'EIO=&transport=websocket'],
    ['of version __proto__', 'EIO=__proto__&transport=websocket'],
    ['of two versions', 'EIO=4&EIO=3&transport=websocket'],
    ['of version 4 in a list', 'EIO[]=4&transport=websocket'],
    ['without a transport', 'EIO=4'],
    ['of transport __proto__', 'EIO=4&transport=__proto__'],
    ['of transport constructor', 'EIO=4&transport=constructor'],
    ['of transport toString', 'EIO=4&transport=toString'],
    ['of transport webtransport', 'EIO=4&transport=webtransport'],
    ['of transport polling', 'EIO=4&transport=polling'],
    ['of two transports', 'EIO=4&transport=websocket&transport=polling'],
    ['of a session nobody has', `${GOOD}&sid=nobody`],
    ['of session __proto__', `${GOOD}&sid=__proto__`],
    ['of session constructor', `${GOOD}&sid=constructor`],
    ['of two sessions', `${GOOD}&sid=a&sid=b`],
    ['of a session with %00', `${GOOD}&sid=a%00b`],
    ['of a session of 4,000 characters', `${GOOD}&sid=${'x'.repeat(4_000)}`],
  ])('%s is refused', async (_, query) => {
    expect(await target.survives(() => exchange(target.server.url, upgradeText(query)))).toBe('400');
  });

  it.each<[string, string, Record<string, string | undefined>]>([
    ['without a key', '400', { 'Sec-WebSocket-Key': undefined }],
    ['with a key that is too short', '400', { 'Sec-WebSocket-Key': 'eA==' }],
    ['with a key that is no base64', '400', { 'Sec-WebSocket-Key': '!'.repeat(24) }],
    ['in version 7 of WebSocket', '400', { 'Sec-WebSocket-Version': '7' }],
    ['without a version of WebSocket', '400', { 'Sec-WebSocket-Version': undefined }],
    ['from another page', '403', { Origin: 'https://evil.example' }],
    ['from no page in particular', '403', { Origin: 'null' }],
    ['from two pages', '403', { Origin: 'http://localhost, https://evil.example' }],
    [
      'with an extension that has no end',
      '101',
      { 'Sec-WebSocket-Extensions': `permessage-deflate; x=${'y'.repeat(5_000)}` },
    ],
    [
      'with compression of nonsense',
      '101',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99' },
    ],
    ['with an address of its own choice', '101', { 'X-Forwarded-For': `6.6.6.6, ${'1.1.1.1, '.repeat(500)}` }],
  ])('%s is answered %s', async (_, status, change) => {
    expect(await target.survives(() => exchange(target.server.url, upgradeText(GOOD, change)))).toBe(status);
  });

  it.each<[string, RegExp, (id: string) => string]>([
    ['by polling', /400/, (id) => requestText(`GET /socket.io/?EIO=4&transport=polling&sid=${id}`)],
    [
      'by posting',
      /400/,
      (id) => requestText(`POST /socket.io/?EIO=4&transport=polling&sid=${id}`, ['Content-Length: 2'], '41'),
    ],
    // Engine.IO may open the WebSocket only to close it.
    ['by an upgrade', /101|400/, (id) => upgradeText(`${GOOD}&sid=${id}`)],
    ['from another page', /403/, (id) => upgradeText(`${GOOD}&sid=${id}`, { Origin: 'https://evil.example' })],
  ])('of a session that another has leaves that one alone, %s', async (_, expected, textFor) => {
    const owner = await RawSocket.open(target.server.url);
    const id = await until('it is told its id', () => owner.id);
    const status = await target.survives(() => exchange(target.server.url, textFor(id)));
    expect(status).toMatch(expected);
    let isRefused = false;
    owner.onText = (text) => (isRefused ||= text.startsWith('44'));
    owner.send('40{"token":"x"}');
    await until('it is still heard', () => isRefused);
    owner.leave();
  });

  it('with thousands of CONNECT packets in a POST is refused', async () => {
    const packets = Array<string>(5_000).fill(`40{"token":"${SECRET_TEXT}"}`).join('\u001e');
    const text = requestText(
      'POST /socket.io/?EIO=4&transport=polling',
      [`Content-Length: ${packets.length}`],
      packets,
    );
    expect(await target.survives(() => exchange(target.server.url, text))).toBe('400');
  });
});

describe('HTTP', () => {
  const post = (headers: readonly string[], body = ''): string =>
    requestText('POST /v1/messages', [JSON_TYPE, KEY, ...headers], body);
  const BODY = '{"channel":"user:ada","type":"t","data":1}';

  it.each<[string, RegExp, string]>([
    [
      'with a length and in chunks',
      /400/,
      post(['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${BODY}`),
    ],
    ['in chunks and with a length', /400/, post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\nGET /')],
    ['with two lengths', /400/, post(['Content-Length: 5', 'Content-Length: 6'], BODY)],
    ['with two lengths in one line', /400/, post(['Content-Length: 5, 6'], BODY)],
    ['with a negative length', /400/, post(['Content-Length: -1'], BODY)],
    ['with a length in hexadecimal', /400/, post(['Content-Length: 0x10'], BODY)],
    ['with a length beyond all numbers', /400/, post([`Content-Length: ${'9'.repeat(30)}`], BODY)],
    ['with an encoding nobody knows', /400|501/, post(['Transfer-Encoding: xchunked'], BODY)],
    ['with chunked in the middle', /400/, post(['Transfer-Encoding: chunked, identity'], BODY)],
    ['with a chunk of no number', /400/, post(['Transfer-Encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`)],
    [
      'with a chunk beyond all numbers',
      /400|413/,
      post(['Transfer-Encoding: chunked'], `${'F'.repeat(20)}\r\n${BODY}`),
    ],
    ['with a chunk of negative length', /400/, post(['Transfer-Encoding: chunked'], `-5\r\n${BODY}`)],
    ['with a space before a colon', /400/, post(['Content-Length : 5'], BODY)],
    ['with a header of two lines', /400/, requestText('GET /v1/messages', ['X-Folded: a\r\n b: c\r\n\tX: y'])],
    ['with \\0 in a header', /400/, requestText('GET /v1/messages', ['X-Null: a\0b'])],
    ['with a bare CR in a header', /400/, requestText('GET /v1/messages', ['X-Cr: a\rX-Smuggled: b'])],
    ['without a host', /400/, 'GET /v1/messages HTTP/1.1\r\n\r\n'],
    ['with 20 KB of headers', /431/, requestText('GET /v1/messages', [`X-Long: ${'x'.repeat(20_000)}`])],
    ['with a path of 20 KB', /4(00|01|14|31)/, requestText(`GET /v1/${'x'.repeat(20_000)}`)],
    [
      'with 3,000 headers',
      /4(01|31)|429/,
      requestText(
        'GET /v1/dead-letters',
        Array.from({ length: 1_000 }, (_, n) => `A${n}: b`),
      ),
    ],
    ['of a method nobody knows', /400/, requestText('STEAL /v1/messages')],
    ['of a method in small letters', /400/, requestText('get /v1/messages')],
    ['of version 9', /400|505/, 'GET /v1/messages HTTP/9.9\r\nHost: x\r\n\r\n'],
    ['of version 0.9', /40[014]|hung up/, 'GET /v1/messages\r\n\r\n'],
    ['as HTTP/2 begins', /400|505|hung up/, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['as TLS begins', /400|hung up/, '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
    ['as SMTP begins', /400|hung up/, 'EHLO evil.example\r\n'],
    [
      'that asks for a tunnel',
      /400|404|hung up/,
      'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n',
    ],
    ['that asks for an address in full', /401|404/, requestText('GET http://evil.example/v1/dead-letters')],
    ['that asks for *', /40\d/, requestText('GET *')],
    ['that expects nonsense', /417/, requestText('GET /v1/dead-letters', ['Expect: nonsense'])],
    [
      'that asks for another protocol',
      /401|hung up/,
      requestText('GET /v1/dead-letters', ['Connection: Upgrade', 'Upgrade: h2c']),
    ],
    ['that asks for WebSocket elsewhere', /4\d\d|hung up/, upgradeText(GOOD).replace('/socket.io/', '/v1/messages')],
  ])('%s is refused', async (_, status, text) => {
    expect(await target.survives(() => exchange(target.server.url, text))).toMatch(status);
  });
});

const ROUTES: [string, string][] = [
  ['POST', '/v1/messages/scheduled'],
  ['DELETE', `/v1/messages/${UNKNOWN_ID}`],
  ['GET', `/v1/messages/${UNKNOWN_ID}/timeline`],
  ['GET', '/v1/dead-letters'],
  ['POST', '/v1/dead-letters/1/requeue'],
  ['DELETE', '/v1/users/canary/sessions'],
  ['GET', '/v1/nothing-here'],
  ['PATCH', '/v1/messages'],
  ['GET', '/admin/v1/status'],
  ['GET', '/admin/v1/audit'],
  ['POST', '/admin/v1/instances/x/drain'],
  ['PUT', '/admin/v1/users/canary/ban'],
  ['DELETE', '/admin/v1/users/canary'],
  ['DELETE', '/admin/v1/users/canary/connections'],
  ['DELETE', '/admin/v1/dead-letters'],
  ['GET', '/admin/v1/nothing-here'],
];

describe.each(ROUTES)('%s %s', (method, path) => {
  it.each<[string, readonly string[]]>([
    ['no key', []],
    ['a wrong key', [`Authorization: Bearer ${SECRET_TEXT}`]],
    ['two keys', [`Authorization: Bearer ${SECRET_TEXT}`, `X-API-Key: ${SECRET_TEXT}`]],
    ['a key of 8,000 characters', [`Authorization: Bearer ${'x'.repeat(8_000)}`]],
  ])('cannot be told from any other with %s', async (_, headers) => {
    const text = requestText(`${method} ${path}`, [...headers, 'Content-Length: 0']);
    expect(await target.survives(() => exchange(target.server.url, text))).toBe('401');
  });

  if (path.startsWith('/admin')) {
    it('is closed to the keys of back ends', async () => {
      const text = requestText(`${method} ${path}`, [KEY, 'Content-Length: 0']);
      expect(await target.survives(() => exchange(target.server.url, text))).toBe('401');
    });
  }
});

it('stores one message for 50 identical writes at once with one publish id', async () => {
  const message = { channel: 'user:ada', type: 't', data: SECRET_TEXT, publishId: 'fifty-times' };
  const answers = await target.survives(
    () => Promise.all(Array.from({ length: 50 }, () => target.server.rest('POST', '/v1/messages', message))),
    { channels: 1, messages: 1, publish_ids: 1 },
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1);
});
