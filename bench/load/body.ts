/** The length of every message as JSON, in bytes, for every system. */
export const BODY_BYTES = 200;

/**
 * The body that the generator sends: enough to account for each message and its latency, filled up to a fixed length.
 */
export interface Body {
  readonly stream: number;
  /** Counts 1, 2, 3 … within the stream. */
  readonly n: number;
  /** The time at which the message should have been sent, in `performance.now()` of the sending thread. */
  readonly at: number;
  readonly text: string;
}

const FRAME = JSON.stringify({ stream: '', n: '', at: '', text: '' }).length - 6;
const FILLING = 'x'.repeat(BODY_BYTES);

export function makeBody(stream: number, n: number, atMs: number): Body {
  const at = Math.round(atMs * 1_000) / 1_000;
  const digits = String(stream).length + String(n).length + String(at).length;
  return { stream, n, at, text: FILLING.slice(0, BODY_BYTES - FRAME - digits) };
}
