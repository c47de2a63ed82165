import type { Logger } from './logger.js';

/**
 * Makes a function that warns of the same thing at most once in `everyMs`, and then says how often it happened since.
 * In an outage of the database the same retries fail ten times a second.
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

/**
 * Writes at most `maxPerS` lines of one kind in a second, and then says how many it left out. A client that is refused
 * may try again without end, and each try is a line.
 */
export class ThrottledLog {
  private startedAtMs = -Infinity;
  private written = 0;
  private suppressed = 0;

  constructor(private readonly maxPerS: number) {}

  /** @param write is given what to add to the line: nothing, or how many lines were left out before it */
  line(write: (extra: { readonly suppressed?: number }) => void, nowMs = performance.now()): void {
    if (nowMs - this.startedAtMs >= 1_000) [this.startedAtMs, this.written] = [nowMs, 0];
    if (this.written >= this.maxPerS) {
      this.suppressed += 1;
      return;
    }
    this.written += 1;
    const { suppressed } = this;
    this.suppressed = 0;
    write(suppressed > 0 ? { suppressed } : {});
  }
}
