import { Fault } from './fault.js';

export interface BodyLimits {
  /** UTF-8 bytes of the JSON text. */
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxKeys: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = { maxBytes: 65_536, maxDepth: 32, maxKeys: 1_000 };

/**
 * The JSON text of a body that is safe to store and to emit, or a Fault. Depth is limited before storing because
 * Socket.IO's encoder recurses: a stored body that overflows its stack would end the process at every delivery.
 */
export function encodeBody(data: unknown, limits: BodyLimits): string {
  new BodyInspection(limits).visit(data, 1);
  const text = JSON.stringify(data);
  if (typeof text !== 'string') throw new Fault('BAD_REQUEST', 'data: must be a JSON value');
  if (utf8Exceeds(text, limits.maxBytes)) {
    throw new Fault('BODY_TOO_LARGE', `data: its JSON is longer than ${limits.maxBytes} bytes`);
  }
  return text;
}

/** Refuses what PostgreSQL's json types and text cannot hold: \u0000 and half a surrogate pair. */
export function assertCleanText(text: string, where: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new Fault('BAD_TEXT', `${where}: holds \\u0000 or half a surrogate pair`);
  }
}

class BodyInspection {
  private keys = 0;

  constructor(private readonly limits: BodyLimits) {}

  visit(value: unknown, depth: number): void {
    if (typeof value === 'string') assertCleanText(value, 'data');
    if (isBeyondJson(value)) throw new Fault('BAD_REQUEST', 'data: holds a number that JSON cannot');
    if (typeof value !== 'object' || value === null) return;
    if (depth > this.limits.maxDepth) {
      throw new Fault('BODY_TOO_DEEP', `data: nested deeper than ${this.limits.maxDepth} levels`);
    }
    if (Array.isArray(value)) for (const item of value) this.visit(item, depth + 1);
    else this.visitObject(value as Record<string, unknown>, depth);
  }

  private visitObject(value: Record<string, unknown>, depth: number): void {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      throw new Fault('BAD_REQUEST', 'data: binary is not accepted; send text');
    }
    for (const key of Object.keys(value)) {
      if (++this.keys > this.limits.maxKeys) {
        throw new Fault('BODY_TOO_WIDE', `data: more than ${this.limits.maxKeys} keys`);
      }
      assertCleanText(key, 'data');
      this.visit(value[key], depth + 1);
    }
  }
}

/** JSON.parse reads 1e400 as Infinity, for which JSON.stringify would store null. */
function isBeyondJson(value: unknown): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
}

/** Without encoding: a UTF-16 unit is 1 to 3 bytes, so most texts are decided by their length alone. */
function utf8Exceeds(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  if (text.length * 3 <= maxBytes) return false;
  return new TextEncoder().encode(text).length > maxBytes;
}
