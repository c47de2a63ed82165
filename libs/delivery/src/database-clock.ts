/**
 * Estimates the time of the database's clock: it was told a while ago, and counts on by a clock that nobody sets. The
 * estimate may be wrong, so it decides nothing alone: what seems to have expired is looked up.
 */
export class DatabaseClock {
  private offsetMs = 0;

  /** @param databaseMs the database's time in milliseconds since 1970, read just now */
  observe(databaseMs: number, localMs = performance.now()): void {
    this.offsetMs = databaseMs - localMs;
  }

  now(localMs = performance.now()): number {
    return localMs + this.offsetMs;
  }
}
