/** The delay of the event loop is measured this often. */
export const TICK_MS = 500;
const TICKS = 20;
/**
 * When half of the ticks of ten seconds are later than this, the process no longer does its work. A single stop does
 * not count, however long it is.
 */
const STUCK_MS = 2_000;
/**
 * When no timer has fired for this long although requests are answered, the delay cannot be measured, and the event
 * loop counts as stuck.
 */
const UNMEASURED_MS = 60_000;

/** Measures how late a timer fires, over the last ten seconds. */
export class EventLoop {
  private readonly delaysMs = Array.from({ length: TICKS }, () => 0);
  private lastMs: number;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.lastMs = now();
  }

  /** Called every {@link TICK_MS}, or as late as the timer fires. */
  tick(): void {
    const nowMs = this.now();
    this.delaysMs.push(Math.max(0, nowMs - this.lastMs - TICK_MS));
    this.delaysMs.shift();
    this.lastMs = nowMs;
  }

  /** Half of the ticks were later than this. */
  get medianMs(): number {
    return this.delaysMs.toSorted((a, b) => a - b)[Math.floor(this.delaysMs.length / 2)] ?? 0;
  }

  get isStuck(): boolean {
    return this.medianMs > STUCK_MS || this.now() - this.lastMs > UNMEASURED_MS;
  }
}
