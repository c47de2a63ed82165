import { ProtocolError } from './errors.js';
import { beyondDouble, endOfValue, findMember, tooDeep } from './json-scan.js';

export interface BodyLimits {
  /** The JSON text may have at most this many bytes of UTF-8. */
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxKeys: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = { maxBytes: 65_536, maxDepth: 32, maxKeys: 1_000 };

const ESCAPED_BACKSLASHES = /\\\\/g;
const ESCAPED_PAIRS = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}/g;
const NO_TEXT = /\\u0000|\\u[dD][89a-fA-F]/;

/**
 * Returns the text of `data` exactly as it came in the request that begins at `at`. This text is stored and delivered,
 * so numbers that JavaScript cannot hold exactly, the order of keys and repeated keys stay what they are. The limits
 * protect every reader, because decoders recurse or know no number beyond a double.
 * @param json has been accepted by JSON.parse
 * @throws ProtocolError
 */
export function bodyIn(json: string, at: number, limits: BodyLimits): string {
  const place = findMember(json, at, 'data', limits);
  if (!place) throw new ProtocolError('BAD_REQUEST', 'data: required');
  return checked(json.slice(...place), limits);
}

/** Returns the JSON text of a body that arrived as a value, without its original text. @throws ProtocolError */
export function encodeBody(data: unknown, limits: BodyLimits): string {
  const text = stringify(data, limits);
  if (typeof text !== 'string') throw new ProtocolError('BAD_REQUEST', 'data: must be a JSON value');
  endOfValue(text, 0, limits);
  return checked(text, limits);
}

/** Refuses what PostgreSQL's json types and text cannot hold: \u0000 and half a surrogate pair. */
export function assertCleanText(text: string, where: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw badText(where);
}

function checked(text: string, limits: BodyLimits): string {
  if (text.includes('\\u') && hasNoText(text)) throw badText('data');
  if (utf8Exceeds(text, limits.maxBytes)) {
    throw new ProtocolError('BODY_TOO_LARGE', `data: its JSON is longer than ${limits.maxBytes} bytes`);
  }
  return text;
}

/**
 * True if the JSON escapes \u0000 or half a surrogate pair. A space replaces whatever is taken out, because otherwise
 * its neighbours could become a pair.
 */
function hasNoText(text: string): boolean {
  return NO_TEXT.test(text.replace(ESCAPED_BACKSLASHES, ' ').replace(ESCAPED_PAIRS, ' '));
}

function badText(where: string): ProtocolError {
  return new ProtocolError('BAD_TEXT', `${where}: holds \\u0000 or half a surrogate pair`);
}

function stringify(data: unknown, limits: BodyLimits): string | undefined {
  try {
    return JSON.stringify(data, refuseLossy);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (error instanceof RangeError) throw tooDeep(limits); // JSON.stringify recursed until the stack ended
    throw new ProtocolError('BAD_REQUEST', 'data: must be a JSON value', { cause: error });
  }
}

/** JSON.parse reads 1e400 as Infinity, which JSON.stringify would write as null; it would write binary as its bytes. */
function refuseLossy(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw beyondDouble();
  const held = (this as Record<string, unknown>)[key];
  if (ArrayBuffer.isView(held) || held instanceof ArrayBuffer) {
    throw new ProtocolError('BAD_REQUEST', 'data: binary is not accepted; send text');
  }
  return value;
}

/** Most texts are decided by their length, without encoding them, because a UTF-16 unit becomes 1 to 3 bytes. */
function utf8Exceeds(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  if (text.length * 3 <= maxBytes) return false;
  return new TextEncoder().encode(text).length > maxBytes;
}
