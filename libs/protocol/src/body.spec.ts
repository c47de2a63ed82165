import fc from 'fast-check';
import { DEFAULT_BODY_LIMITS, encodeBody, type BodyLimits } from './body.js';
import { Fault } from './fault.js';

/** Small, so that random values meet every one of them. */
const TIGHT: BodyLimits = { maxBytes: 80, maxDepth: 2, maxKeys: 4 };

describe('encodeBody', () => {
  it('gives the JSON text of every value within the limits and names the broken limit of every other', () => {
    const stringUnit = fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom('a', 'b', 'c', 'é', '€', '😀') },
      { weight: 1, arbitrary: fc.constantFrom('\0', '\ud83d', '\ude00') },
    );
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit, maxDepth: 5 }), (value) => {
        const broken = brokenLimits(value, TIGHT);
        const outcome = encode(value, TIGHT);
        if (broken.length === 0) expect(outcome).toBe(JSON.stringify(value));
        else expect(broken).toContain(outcome);
        seen.add(broken.length === 0 ? 'ok' : outcome);
      }),
      { numRuns: 2_000 },
    );
    expect([...seen].sort()).toEqual(['BAD_TEXT', 'BODY_TOO_DEEP', 'BODY_TOO_LARGE', 'BODY_TOO_WIDE', 'ok']);
  });

  it('refuses with a Fault whatever JavaScript value it cannot encode', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        try {
          JSON.parse(encodeBody(value, DEFAULT_BODY_LIMITS));
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('counts bytes of UTF-8 and not characters', () => {
    const limits = { ...DEFAULT_BODY_LIMITS, maxBytes: 8 };
    expect(encode('éé€', limits)).toBe('BODY_TOO_LARGE'); // 7 bytes and two quotes
    expect(encode('éé', limits)).toBe('"éé"');
    expect(encode('€€', limits)).toBe('"€€"'); // exactly 8
    expect(encode('😀ab', limits)).toBe('"😀ab"');
    expect(encode('😀abc', limits)).toBe('BODY_TOO_LARGE');
    expect(encode('€€€€€', { ...limits, maxBytes: 16 })).toBe('BODY_TOO_LARGE'); // 17, in 7 characters
  });

  it.each([1, 31, 32])('accepts %i levels', (depth) => {
    expect(encode(nested(depth), DEFAULT_BODY_LIMITS)).toBe('['.repeat(depth) + ']'.repeat(depth));
  });

  it.each([33, 10_000, 450_000])('refuses %i levels without overflowing the stack', (depth) => {
    expect(encode(nested(depth), DEFAULT_BODY_LIMITS)).toBe('BODY_TOO_DEEP');
  });

  it('counts the keys of the whole body, wherever they stand', () => {
    const object = (keys: number): object => Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, i]));
    expect(encode([object(500), { a: object(499) }], DEFAULT_BODY_LIMITS)).toMatch(/^\[/);
    expect(encode([object(500), { a: object(500) }], DEFAULT_BODY_LIMITS)).toBe('BODY_TOO_WIDE');
  });

  it.each([
    ['\\u0000', '\0'],
    ['the first half of a surrogate pair', 'a\ud83d'],
    ['the second half of a surrogate pair', '\ude00a'],
  ])('refuses %s in values and in keys', (_, text) => {
    expect(encode({ a: [text] }, DEFAULT_BODY_LIMITS)).toBe('BAD_TEXT');
    expect(encode({ [text]: 1 }, DEFAULT_BODY_LIMITS)).toBe('BAD_TEXT');
  });

  it.each([
    ['1e400, which JSON.parse reads as Infinity', JSON.parse('[1e400]') as unknown],
    ['binary', { a: new Uint8Array(3) }],
    ['nothing', undefined],
    ['a function', () => 1],
  ])('refuses %s rather than store something else', (_, value) => {
    expect(encode(value, DEFAULT_BODY_LIMITS)).toBe('BAD_REQUEST');
  });

  it('keeps keys that mean something to JavaScript as the data they are', () => {
    const text = '{"__proto__":{"toJSON":1},"constructor":{"prototype":2},"_placeholder":true,"num":0}';
    expect(encode(JSON.parse(text), DEFAULT_BODY_LIMITS)).toBe(text);
  });
});

/** The text, or the name of the fault. */
function encode(value: unknown, limits: BodyLimits): string {
  try {
    return encodeBody(value, limits);
  } catch (error) {
    if (error instanceof Fault) return error.fault;
    throw error;
  }
}

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}

/** Every limit a JSON value breaks, found by other means than the code under test. */
function brokenLimits(value: unknown, limits: BodyLimits): string[] {
  const text = JSON.stringify(value);
  return [
    ...(Buffer.byteLength(text) > limits.maxBytes ? ['BODY_TOO_LARGE'] : []),
    ...(depthOf(value) > limits.maxDepth ? ['BODY_TOO_DEEP'] : []),
    ...(keysOf(value) > limits.maxKeys ? ['BODY_TOO_WIDE'] : []),
    ...(/\\u0000|\\ud[89a-f]/.test(text) ? ['BAD_TEXT'] : []),
  ];
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value).reduce<number>((sum, item) => sum + keysOf(item), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}
