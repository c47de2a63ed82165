import { createHash } from 'node:crypto';

/** What the messages of a run carry: the number of the publish, and some weight. */
export interface Body {
  readonly n: number;
  readonly pad: string;
}

const HASH_LENGTH = 12;

export function hashOf(body: unknown): string {
  return createHash('sha1').update(JSON.stringify(body)).digest('hex').slice(0, HASH_LENGTH);
}

/** The number a body carries; NaN is no publish of ours. */
export function numberOf(body: unknown): number {
  return typeof body === 'object' && body !== null && 'n' in body && typeof body.n === 'number' ? body.n : NaN;
}
