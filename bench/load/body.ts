/** Bytes of JSON of every message, whoever carries it. */
export const BODY_BYTES = 200;

/** What the generator sends: enough to account for each message and its latency, filled up to a fixed length. */
export interface Body {
  readonly stream: number;
  /** 1, 2, 3 … within the stream. */
  readonly n: number;
  /** When it should have been sent, `performance.now()` of the sending thread. */
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
