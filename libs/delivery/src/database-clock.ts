/**
 * What the database's clock says, as far as this instance knows: it was told a while ago, and counts on by a clock that
 * nobody sets. So it may be wrong, and decides nothing alone: what seems to have expired is looked up.
 */
export class DatabaseClock {
  private offsetMs = 0;

  /** @param databaseMs milliseconds since 1970, read just now */
  observe(databaseMs: number, localMs = performance.now()): void {
    this.offsetMs = databaseMs - localMs;
  }

  now(localMs = performance.now()): number {
    return localMs + this.offsetMs;
  }
}
