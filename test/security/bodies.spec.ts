import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { Attacker } from './attacker.js';
import { SECRET_TEXT, Target } from './target.js';

const LAB = 'group:lab';
const LIMIT = 65_536;
const STORED = { messages: 1 };

let target: Target;
let attacker: Attacker;
/** Reads what is accepted: what is stored must not hurt those who receive it either. */
let reader: TestClient;

beforeAll(async () => {
  target = await Target.start();
  await target.server.rest('POST', '/v1/messages', { channel: LAB, type: 't', data: 0 });
  reader = await TestClient.connect(target.server.url, { user: 'canary-reader' });
  await reader.must('subscribe', { channel: LAB });
});
beforeEach(async () => {
  attacker = await Attacker.enter(target.server.url, [`publish:${LAB}`]);
});
afterEach(() => attacker.leave());
afterAll(async () => {
  reader?.close();
  await target?.end();
});

/** Bodies as JSON text, for what JavaScript would encode differently. */
const REFUSED: [number, string, string][] = [
  [1003, 'one byte over the limit', JSON.stringify('x'.repeat(LIMIT - 1))],
  [1003, 'over the limit in bytes, though not in characters', JSON.stringify('é'.repeat(LIMIT / 2))],
  [1004, '33 lists deep', nested('[', ']', 33)],
  [1004, '33 objects deep', nested('{"a":', '}', 33)],
  [1004, '10,000 deep', nested('[', ']', 10_000)],
  [1004, '80,000 deep', nested('[', ']', 80_000)],
  [1004, 'deep behind a harmless beginning', `{"a":1,"b":[2,${nested('[', ']', 31)}]}`],
  [1005, 'of 1,001 keys', keys(1_001)],
  [1005, 'of 20,000 keys', keys(20_000)],
  [1005, 'of 1,001 keys in many objects', `[${Array<string>(1_001).fill('{"a":1}').join(',')}]`],
  [1006, 'with \\u0000 in a value', `["${SECRET_TEXT}\\u0000"]`],
  [1006, 'with \\u0000 in a key', `{"${SECRET_TEXT}\\u0000":1}`],
  [1006, 'with the first half of a surrogate pair', `"${SECRET_TEXT}\\ud800"`],
  [1006, 'with the second half of a surrogate pair', `"\\udc00${SECRET_TEXT}"`],
  [1006, 'with the halves in the wrong order', `"\\udc00\\ud800"`],
  [1006, 'with half a surrogate pair in a key', `{"\\ud800":"${SECRET_TEXT}"}`],
  [1018, 'with a number beyond all numbers', '[1e400]'],
  [1018, 'with a number below all numbers', '{"a":-1e999}'],
];

const ACCEPTED: [string, string][] = [
  ['of exactly the limit', JSON.stringify('x'.repeat(LIMIT - 2))],
  ['of exactly the limit in bytes of UTF-8', JSON.stringify('€'.repeat((LIMIT - 4) / 3) + 'xx')],
  ['32 deep', nested('[', ']', 32)],
  ['of 1,000 keys', keys(1_000)],
  ['with keys that mean something to JavaScript', '{"__proto__":{"a":1},"constructor":{"prototype":2},"toJSON":3}'],
  ['with keys that mean something to Socket.IO', '{"_placeholder":true,"num":0}'],
  ['with the fields of a message', '{"sender":"eve","seq":1,"channel":"user:eve"}'],
  ['of null', 'null'],
  ['of false', 'false'],
  ['of an empty string', '""'],
  ['with every plane of Unicode', '"é€😀\\u2028\\ufeff\\uffff\\u001f\\u007f"'],
  ['with markup', '"<script>alert(1)</script>"'],
  ['with SQL', `"'; drop table trunkline.messages; --"`],
];

describe('a body', () => {
  it.each(REFUSED)('answers %i %s', async (code, _, body) => {
    const answer = await target.survives(() => attacker.sendText(publish(body)));
    expect(answer).toMatchObject({ ok: false, error: { code, retryable: false } });
    expect(JSON.stringify(answer)).not.toContain(SECRET_TEXT);
  });

  it.each(ACCEPTED)('%s is stored, and reaches its reader as it was sent', async (_, body) => {
    const answer = await target.survives(() => attacker.sendText(publish(body)), STORED);
    expect(answer).toMatchObject({ ok: true });
    const message = await until('the reader has it', () => reader.received.find(({ seq }) => seq === answer['seq']));
    expect(JSON.stringify(message.data)).toBe(JSON.stringify(JSON.parse(body)));
    const page = await target.server.rest('GET', `/v1/channels/group%3Alab/messages?limit=1&after=${message.seq - 1}`);
    const { messages } = page.body as { messages: { data: unknown }[] };
    expect(JSON.stringify(messages[0]?.data)).toBe(JSON.stringify(JSON.parse(body)));
  });

  it('left out is refused', async () => {
    const answer = await target.survives(() => attacker.send('publish', { channel: LAB, type: 't' }));
    expect(answer).toMatchObject({ ok: false, error: { code: 1000 } });
  });

  it.each([
    ['alone', Buffer.from(SECRET_TEXT)],
    ['inside', { a: [Buffer.from(SECRET_TEXT)] }],
    ['empty', new Uint8Array(0)],
  ])('of binary, %s, is refused', async (_, data) => {
    const answer = await target.survives(() => attacker.send('publish', { channel: LAB, type: 't', data }));
    expect(answer).toMatchObject({ ok: false, error: { code: 1000 } });
  });

  it('of binary in base64 is refused before its base64 comes', async () => {
    const answers: string[] = [];
    attacker.hear((packet) => void (packet.startsWith('37[') && answers.push(packet)));
    await target.survives(async () => {
      attacker.sendFrame(`451-7${publish('{"_placeholder":true,"num":0}')}`);
      await until('it is answered', () => answers.length > 0);
      for (const text of [Buffer.from(SECRET_TEXT).toString('base64'), publish('evil'), ''])
        attacker.sendFrame(`b${text}`);
    });
    expect(answers).toEqual([expect.stringContaining('"code":1000')]);
  });

  it('of many megabytes ends the connection before it is read', async () => {
    await target.survives(async () => {
      attacker.sendFrame(`42${publish(JSON.stringify(SECRET_TEXT.repeat(100_000)))}`);
      await attacker.isThrownOut();
    });
  });
});

describe('the reader of hostile bodies', () => {
  it('got every one that was accepted and was never thrown out', () => {
    expect(reader.received.map(({ seq }) => seq)).toEqual(ACCEPTED.map((_, i) => i + 2));
    expect(reader.socket.connected).toBe(true);
  });
});

function publish(body: string): string {
  return `["publish",{"channel":"${LAB}","type":"t","data":${body}}]`;
}

function nested(open: string, close: string, depth: number): string {
  // an object ends in a value
  return open.repeat(depth) + (open.endsWith(':') ? '1' : '') + close.repeat(depth);
}

function keys(count: number): string {
  return `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join(',')}}`;
}
