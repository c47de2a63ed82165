import { ProtocolError } from '#protocol';

/** Makes the refusal of what came too fast. Its text says what that was, and when to come back. */
export function rateLimited(what: string, waitMs: number): ProtocolError {
  const retryAfterMs = Math.max(1, Math.ceil(waitMs));
  return new ProtocolError('RATE_LIMITED', `${what}; come back in ${retryAfterMs} ms`, { retryAfterMs });
}

/**
 * Runs the work if the limit allows it.
 * @param taken the answer of the limit: 0, or the milliseconds to wait
 * @throws ProtocolError RATE_LIMITED
 */
export function ifTaken<T>(taken: number | Promise<number>, what: string, work: () => Promise<T>): Promise<T> {
  if (taken === 0) return work();
  return Promise.resolve(taken).then((waitMs) => {
    if (waitMs > 0) throw rateLimited(what, waitMs);
    return work();
  });
}
