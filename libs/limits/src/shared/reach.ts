/** How often the database is tried while it is out of reach. */
const TRY_EVERY_MS = 2_000;

/** Remembers whether the database answered when shares were last leased. While it does not, no caller waits for it. */
export class Reach {
  isAway = false;
  private triedAtMs = -Infinity;

  answered(): void {
    this.isAway = false;
  }

  failed(nowMs: number): void {
    this.isAway = true;
    this.triedAtMs = nowMs;
  }

  /** Returns true to one caller every {@link TRY_EVERY_MS}, which then has to ask the database. */
  mayTry(nowMs: number): boolean {
    if (nowMs < this.triedAtMs + TRY_EVERY_MS) return false;
    this.triedAtMs = nowMs;
    return true;
  }
}
