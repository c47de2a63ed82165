/** The database's clock as far as this instance knows it; no instance's own clock decides what has expired. */
export class DatabaseClock {
  private offsetMs = 0;

  /** @param databaseMs milliseconds since 1970 */
  observe(databaseMs: number, localMs = Date.now()): void {
    this.offsetMs = databaseMs - localMs;
  }

  now(localMs = Date.now()): number {
    return localMs + this.offsetMs;
  }
}
