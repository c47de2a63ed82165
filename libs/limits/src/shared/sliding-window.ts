/** How finely a window is counted. */
const SLOTS = 40;
/** Beyond the present one: what was counted leaves a fortieth to a twentieth late, since between the count and the effect a moment passes. */
const KEPT = SLOTS + 1;

/** How many there were in the last window and a little before, counted in slots of a fortieth. Times are those of performance.now(). */
export class SlidingWindow {
  private readonly slotMs: number;
  /** Of the present slot and those before it. */
  private readonly counts: number[] = new Array<number>(KEPT + 1).fill(0);
  private slot = 0;
  private total = 0;

  constructor(windowMs: number) {
    this.slotMs = windowMs / SLOTS;
  }

  count(nowMs: number): number {
    this.advance(nowMs);
    return this.total;
  }

  add(nowMs: number): void {
    this.advance(nowMs);
    const place = this.slot % this.counts.length;
    this.counts[place] = (this.counts[place] ?? 0) + 1;
    this.total += 1;
  }

  /** Milliseconds until the oldest of them leave; 0 if there are none. */
  untilOldestLeave(nowMs: number): number {
    this.advance(nowMs);
    for (let slot = this.slot - KEPT; slot <= this.slot; slot++) {
      if (slot >= 0 && this.counts[slot % this.counts.length]) return (slot + KEPT + 1) * this.slotMs - nowMs;
    }
    return 0;
  }

  private advance(nowMs: number): void {
    const slot = Math.floor(nowMs / this.slotMs);
    const passed = Math.min(slot - this.slot, this.counts.length);
    for (let step = 1; step <= passed; step++) {
      const place = (this.slot + step) % this.counts.length;
      this.total -= this.counts[place] ?? 0;
      this.counts[place] = 0;
    }
    // A clock that steps back changes nothing.
    if (slot > this.slot) this.slot = slot;
  }
}
