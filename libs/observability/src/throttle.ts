import type { Logger } from './logger.js';

/**
 * Warns of the same thing at most once in `everyMs`, and then says how often it happened since: in an outage of the
 * database the same retries fail ten times a second.
 */
export function throttledWarn(logger: Logger, everyMs: number): (what: string, error: unknown) => void {
  const seen = new Map<string, { atMs: number; suppressed: number }>();
  return (what, error) => {
    const last = seen.get(what);
    if (last && performance.now() - last.atMs < everyMs) {
      last.suppressed += 1;
      return;
    }
    logger.warn({ err: error, ...(last?.suppressed ? { suppressed: last.suppressed } : {}) }, what);
    seen.set(what, { atMs: performance.now(), suppressed: 0 });
  };
}
