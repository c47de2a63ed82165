/** A window is counted in this many slots. */
const SLOTS = 40;
/**
 * The slots kept beside the present one. A count leaves a fortieth to a twentieth of the window late, because a moment
 * passes between the count and its effect.
 */
const KEPT = SLOTS + 1;

/** Counts the events of the last window and a little before, in slots of a fortieth. Times are by performance.now(). */
export class SlidingWindow {
  private readonly slotMs: number;
  /** The counts of the present slot and of the slots before it, as a ring. */
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
    const index = this.slot % this.counts.length;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += 1;
  }

  /** Returns the milliseconds until the oldest events leave the count; 0 if there are none. */
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
      const index = (this.slot + step) % this.counts.length;
      this.total -= this.counts[index] ?? 0;
      this.counts[index] = 0;
    }
    // If the clock steps back, nothing changes.
    if (slot > this.slot) this.slot = slot;
  }
}
