/** How often it is looked at. */
export const TICK_MS = 500;
const TICKS = 20;
/** Half of the ticks of ten seconds this late: the process no longer does its work. A single stop, however long, is none. */
const STUCK_MS = 2_000;
/** Requests are answered and timers do not come: the delay could not be measured. */
const UNMEASURED_MS = 60_000;

/** How late a timer comes, over the last ten seconds. */
export class EventLoop {
  private readonly delaysMs = Array.from({ length: TICKS }, () => 0);
  private lastMs: number;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.lastMs = now();
  }

  /** Every {@link TICK_MS}, or whenever the timer comes. */
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
