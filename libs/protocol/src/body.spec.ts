import fc from 'fast-check';
import { bodyIn, DEFAULT_BODY_LIMITS, encodeBody, type BodyLimits } from './body.js';
import { ProtocolError } from './errors.js';

/** These limits are small, so that random values break every one of them. */
const TIGHT: BodyLimits = { maxBytes: 80, maxDepth: 2, maxKeys: 4 };

const stringUnit = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('a', 'b', 'é', '€', '😀', '"', '\\', '{', ']', ':', ',', ' ') },
  { weight: 1, arbitrary: fc.constantFrom('\0', '\ud83d', '\ude00') },
);
const jsonValue = fc.jsonValue({ stringUnit, maxDepth: 5 });

describe('bodyIn', () => {
  it('gives the text of every body within the limits as it came, and names the broken limit of every other', () => {
    const seen = new Set<string>();
    const space = fc.constantFrom('', ' ', '\n\t');
    fc.assert(
      fc.property(jsonValue, fc.nat(2), space, fc.boolean(), jsonValue, (value, indent, around, isLast, other) => {
        const text = JSON.stringify(value, null, indent);
        const members = [`"data"${around}:${around}${text}`, `"data2" : ${JSON.stringify(other)}`, `"type":"a"`];
        const request = `${around}{${around}${(isLast ? members.toReversed() : members).join(`${around},`)}${around}}`;
        const broken = brokenLimits(value, text, TIGHT);
        const outcome = outcomeOf(() => bodyIn(request, 0, TIGHT));
        if (broken.length === 0) expect(outcome).toBe(text);
        else expect(broken).toContain(outcome);
        seen.add(broken.length === 0 ? 'ok' : outcome);
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].sort()).toEqual(['BAD_TEXT', 'BODY_TOO_DEEP', 'BODY_TOO_LARGE', 'BODY_TOO_WIDE', 'ok']);
  });

  it.each([
    ['a number that no double holds exactly', '9007199254740993'],
    ['digits that no double holds', '{"pi":3.14159265358979323846264338327950288,"e":1E2,"z":-0,"one":1.0}'],
    ['the order of keys, and keys that look like numbers', '{"b":1,"10":2,"a":3,"9":4}'],
    ['keys that come twice', '{"a":1,"a":2}'],
    ['escapes', '"\\u0041\\/\\ud83d\\ude00\\\\u0000\\\\ud800"'],
    ['space', '[ 1 ,\n\t2 ]'],
    ['a number that is nothing in a double', '1e-400'],
    ['the longest number', `${'9'.repeat(308)}.5`],
    ['keys that mean something to JavaScript', '{"__proto__":{"toJSON":1},"constructor":{"prototype":2}}'],
  ])('keeps %s', (_, text) => {
    expect(bodyIn(`{"type":"t","data":${text},"channel":"broadcast"}`, 0, DEFAULT_BODY_LIMITS)).toBe(text);
  });

  it.each([
    ['beyond', '[1e400]'],
    ['below', '{"a":-1E+999}'],
    ['of 310 digits', '1'.repeat(310)],
    ['of 400 digits and a fraction', `${'9'.repeat(400)}.5`],
  ])('refuses a number %s all doubles', (_, text) => {
    expect(outcomeOf(() => bodyIn(`{"data":${text}}`, 0, DEFAULT_BODY_LIMITS))).toBe('BAD_NUMBER');
  });

  it.each([
    ['\\u0000', '"\\u0000"'],
    ['\\u0000 behind an escaped backslash', '"\\\\\\u0000"'],
    ['half a pair in a key', '{"\\ud800":1}'],
    ['half a pair before an escaped backslash', '"\\ud83d\\\\udc00"'],
    ['halves in the wrong order', '"\\udc00\\ud800"'],
  ])('refuses %s', (_, text) => {
    expect(outcomeOf(() => bodyIn(`{"data":${text}}`, 0, DEFAULT_BODY_LIMITS))).toBe('BAD_TEXT');
  });

  it('takes the last of two, as JSON.parse does, however its name is written', () => {
    expect(bodyIn('{"data":1,"d\\u0061ta":[2],"type":"data"}', 0, DEFAULT_BODY_LIMITS)).toBe('[2]');
  });

  it('finds the one of an item in a batch', () => {
    const json = '{"messages":[{"data":1},{"data":{"data":2}}]}';
    expect(bodyIn(json, json.indexOf('{"data":{'), DEFAULT_BODY_LIMITS)).toBe('{"data":2}');
  });
});

describe('encodeBody', () => {
  it('gives the JSON text of every value within the limits and names the broken limit of every other', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const text = JSON.stringify(value);
        const broken = brokenLimits(value, text, TIGHT);
        const outcome = outcomeOf(() => encodeBody(value, TIGHT));
        if (broken.length === 0) expect(outcome).toBe(text);
        else expect(broken).toContain(outcome);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses with a ProtocolError whatever JavaScript value it cannot encode', () => {
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
          expect(error).toBeInstanceOf(ProtocolError);
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
    expect(encode('€€€€€', { ...limits, maxBytes: 16 })).toBe('BODY_TOO_LARGE'); // 17 bytes in 7 characters
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
    ['BAD_NUMBER', '1e400, which JSON.parse reads as Infinity', JSON.parse('[1e400]') as unknown],
    ['BAD_REQUEST', 'binary', { a: new Uint8Array(3) }],
    ['BAD_REQUEST', 'binary that has a JSON of its own', { a: Buffer.from('x') }],
    ['BAD_REQUEST', 'nothing', undefined],
    ['BAD_REQUEST', 'a function', () => 1],
  ])('refuses with %s %s, rather than store something else', (errorName, _, value) => {
    expect(encode(value, DEFAULT_BODY_LIMITS)).toBe(errorName);
  });

  it('keeps keys that mean something to JavaScript as the data they are', () => {
    const text = '{"__proto__":{"toJSON":1},"constructor":{"prototype":2},"_placeholder":true,"num":0}';
    expect(encode(JSON.parse(text), DEFAULT_BODY_LIMITS)).toBe(text);
  });
});

function encode(value: unknown, limits: BodyLimits): string {
  return outcomeOf(() => encodeBody(value, limits));
}

/** Returns the text, or the name of the error that was thrown. */
function outcomeOf(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProtocolError) return error.errorName;
    throw error;
  }
}

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}

/** Finds every limit that a JSON value breaks, by other means than the code under test. */
function brokenLimits(value: unknown, text: string, limits: BodyLimits): string[] {
  return [
    ...(Buffer.byteLength(text) > limits.maxBytes ? ['BODY_TOO_LARGE'] : []),
    ...(depthOf(value) > limits.maxDepth ? ['BODY_TOO_DEEP'] : []),
    ...(keysOf(value) > limits.maxKeys ? ['BODY_TOO_WIDE'] : []),
    ...(isClean(value) ? [] : ['BAD_TEXT']),
  ];
}

function isClean(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isClean(key) && isClean(inner));
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
