import { Fault } from '#protocol';

/** Too much in too short a time; says what, and when to come back. */
export function rateLimited(what: string, waitMs: number): Fault {
  const retryAfterMs = Math.max(1, Math.ceil(waitMs));
  return new Fault('RATE_LIMITED', `${what}; come back in ${retryAfterMs} ms`, { retryAfterMs });
}

/**
 * Does the work if the limit allows it. @param taken what a limit gave: 0, or the milliseconds to wait
 * @throws Fault RATE_LIMITED
 */
export function ifTaken<T>(taken: number | Promise<number>, what: string, work: () => Promise<T>): Promise<T> {
  if (taken === 0) return work();
  return Promise.resolve(taken).then((waitMs) => {
    if (waitMs > 0) throw rateLimited(what, waitMs);
    return work();
  });
}
