import fc from 'fast-check';
import { REQUESTS } from './client-requests.js';
import { ProtocolError, type ErrorName } from './errors.js';
import { Handshake } from './handshake.js';
import { parse } from './parse.js';
import { PageQuery } from './rest.js';

const publish = { channel: 'user:1', type: 't', data: null };

describe('parse', () => {
  it.each<[ErrorName, string, unknown]>([
    ['BAD_REQUEST', 'nothing at all', undefined],
    ['BAD_REQUEST', 'null', null],
    ['BAD_REQUEST', 'an array', [publish]],
    ['BAD_REQUEST', 'data left out', { channel: 'user:1', type: 't' }],
    ['BAD_REQUEST', 'a type that is no string', { ...publish, type: 1 }],
    ['BAD_REQUEST', 'an empty type', { ...publish, type: '' }],
    ['BAD_REQUEST', 'a type of 101 characters', { ...publish, type: 'x'.repeat(101) }],
    ['BAD_REQUEST', 'an empty publish id', { ...publish, publishId: '' }],
    ['BAD_REQUEST', 'a publish id of 101 characters', { ...publish, publishId: 'x'.repeat(101) }],
    ['BAD_REQUEST', 'metadata that is not of strings', { ...publish, metadata: { a: 1 } }],
    ['BAD_REQUEST', 'too many metadata', { ...publish, metadata: metadata(21) }],
    ['BAD_CHANNEL', 'a kind nobody knows', { ...publish, channel: 'topic:1' }],
    ['BAD_TTL', 'ttl 0', { ...publish, ttlMs: 0 }],
    ['BAD_TTL', 'a negative ttl', { ...publish, ttlMs: -1 }],
    ['BAD_TTL', 'a broken ttl', { ...publish, ttlMs: 1.5 }],
    ['BAD_TTL', 'a ttl in quotes', { ...publish, ttlMs: '5' }],
    ['BAD_TTL', 'an endless ttl', { ...publish, ttlMs: Infinity }],
    ['BAD_TTL', 'a ttl beyond a year', { ...publish, ttlMs: 366 * 24 * 3_600_000 }],
    ['BAD_TTL', 'ttl null', { ...publish, ttlMs: null }],
    ['UNKNOWN_FIELD', 'sender', { ...publish, sender: 'someone else' }],
    ['UNKNOWN_FIELD', 'seq', { ...publish, seq: 7 }],
    ['UNKNOWN_FIELD', 'createdAt', { ...publish, createdAt: '2000-01-01T00:00:00Z' }],
    ['UNKNOWN_FIELD', 'an own __proto__', JSON.parse('{"channel":"user:1","type":"t","data":1,"__proto__":{}}')],
  ])('gives %s for a publish with %s', (errorName, _, payload) => {
    expect(faultOf(() => parse(REQUESTS.publish.payload, payload))).toBe(errorName);
  });

  it.each<[ErrorName, string, unknown]>([
    ['BAD_CHANNEL', 'a key that is no channel', { nonsense: 1 }],
    ['BAD_REQUEST', 'a negative seq', { 'user:1': -1 }],
    ['BAD_REQUEST', 'a seq beyond exact numbers', { 'user:1': 2 ** 53 }],
    ['BAD_REQUEST', 'an array', [1]],
  ])('gives %s for an ack with %s', (errorName, _, payload) => {
    expect(faultOf(() => parse(REQUESTS.ack.payload, payload))).toBe(errorName);
  });

  it('names the field and what is wrong with it, in one short line', () => {
    expect(() => parse(REQUESTS.publish.payload, { ...publish, ttlMs: 0 })).toThrow(
      'ttlMs: must be a whole number of milliseconds from 1 to 31536000000',
    );
    const longKey = { ...publish, ['x'.repeat(5_000)]: 1 };
    const error = catchError(() => parse(REQUESTS.publish.payload, longKey));
    expect(error.message.length).toBeLessThanOrEqual(300);
  });

  it('reads the numbers of a query', () => {
    expect(parse(PageQuery, {})).toEqual({ after: 0, limit: 100 });
    expect(parse(PageQuery, { after: '7', limit: '500' })).toEqual({ after: 7, limit: 500 });
    expect(faultOf(() => parse(PageQuery, { limit: '501' }))).toBe('BAD_REQUEST');
    expect(faultOf(() => parse(PageQuery, { limit: ['1', '2'] }))).toBe('BAD_REQUEST');
  });

  it('throws nothing but protocol errors, whatever it is given', () => {
    const schemas = [...Object.values(REQUESTS).map(({ payload }) => payload), Handshake, PageQuery];
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.anything({ withNullPrototype: true }), (schema, value) => {
        try {
          parse(schema, value);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

function faultOf(work: () => unknown): ErrorName {
  return catchError(work).errorName;
}

function catchError(work: () => unknown): ProtocolError {
  try {
    work();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function metadata(size: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, 'v']));
}
