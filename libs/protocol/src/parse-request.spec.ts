import fc from 'fast-check';
import { ProtocolError } from './errors.js';
import { parse } from './parse.js';
import { parseRequest } from './parse-request.js';
import { REQUESTS, type RequestName } from './client-requests.js';

/** Returns the parsed payload, or the error that refused it. */
function outcome(run: () => unknown): unknown {
  try {
    return { passed: run() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { errorName: error.errorName, message: error.message };
  }
}

function expectAsSchema(name: RequestName, payload: unknown): void {
  expect(outcome(() => parseRequest(name, payload))).toEqual(outcome(() => parse(REQUESTS[name].payload, payload)));
}

/** Most values are right, so that many payloads pass and each field is wrong now and then. */
const text = (...usual: string[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fc.constantFrom<unknown>(...usual), weight: 8 },
    { arbitrary: fc.constantFrom<unknown>('', 'x'.repeat(100), 'x'.repeat(101), 'trunkline.x', 'ü\ud800'), weight: 2 },
    { arbitrary: fc.oneof(fc.string(), fc.jsonValue()), weight: 1 },
  );
const channel = text('user:ada', 'group:a/b', 'broadcast', 'user:', 'topic:1', `user:${'x'.repeat(200)}`);
const publish = fc.record(
  {
    channel,
    type: text('chat'),
    data: fc.jsonValue(),
    publishId: text('p1'),
    ttlMs: fc.integer({ min: -1, max: 10 }),
    ['__proto__']: fc.jsonValue(),
    extra: fc.jsonValue(),
  },
  { requiredKeys: ['channel', 'type', 'data'] },
);
const seq = fc.oneof(fc.nat(), fc.constantFrom<unknown>(-1, -0, 1.5, 2 ** 53, Number.MAX_SAFE_INTEGER, '1', null));
const ack = fc.array(fc.tuple(channel.map(String), seq)).map((entries) => Object.fromEntries(entries));

describe('parseRequest', () => {
  it('says of a publish what its schema says', () => {
    fc.assert(fc.property(fc.oneof(publish, fc.jsonValue()), (payload) => expectAsSchema('publish', payload)));
  });

  it('says of an ack what its schema says', () => {
    fc.assert(fc.property(fc.oneof(ack, fc.jsonValue()), (payload) => expectAsSchema('ack', payload)));
  });

  it.each([999, 1_000, 1_001])('says of an ack of %i channels what its schema says', (count) => {
    const entries = Array.from({ length: count }, (_, index) => [`user:${index}`, index]);
    expectAsSchema('ack', Object.fromEntries(entries));
  });

  it.each(['publish', 'ack'] as const)('hands a plain %s on as it is', (name) => {
    const payload = name === 'ack' ? { 'user:ada': 1 } : { channel: 'user:ada', type: 't', data: 1, publishId: 'p' };
    expect(parseRequest(name, payload)).toBe(payload);
  });
});
