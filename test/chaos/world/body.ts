import { createHash } from 'node:crypto';

/** The body of every message of a run: the number of the publish, and some weight. */
export interface Body {
  readonly n: number;
  readonly pad: string;
}

const HASH_LENGTH = 12;

export function hashOf(body: unknown): string {
  return createHash('sha1').update(JSON.stringify(body)).digest('hex').slice(0, HASH_LENGTH);
}

/** The number that a body carries; NaN if the body is none of this run. */
export function numberOf(body: unknown): number {
  return typeof body === 'object' && body !== null && 'n' in body && typeof body.n === 'number' ? body.n : NaN;
}
