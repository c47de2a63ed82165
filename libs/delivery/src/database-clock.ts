/** The database's clock as far as this instance knows it; no instance's own clock decides what has expired. */
export class DatabaseClock {
  private offsetMs = 0;

  observe(databaseTime: Date, localMs = Date.now()): void {
    this.offsetMs = databaseTime.getTime() - localMs;
  }

  now(localMs = Date.now()): number {
    return localMs + this.offsetMs;
  }
}
