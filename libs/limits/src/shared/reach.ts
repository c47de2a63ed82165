/** How often the database is tried while it is out of reach. */
const TRY_EVERY_MS = 2_000;

/** Whether the database answers, as far as those who lease shares have seen. While it does not, nobody waits for it. */
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

  /** True for one caller in {@link TRY_EVERY_MS}, who then has to try. */
  mayTry(nowMs: number): boolean {
    if (nowMs < this.triedAtMs + TRY_EVERY_MS) return false;
    this.triedAtMs = nowMs;
    return true;
  }
}
