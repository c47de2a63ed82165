/** How fast a bucket fills, and how much it holds. A rate of 0 means that there is no limit. */
export interface Rate {
  readonly perS: number;
  readonly burst: number;
}

/** Tokens that are missing because fractions are rounded do not count. */
const ROUNDING = 1e-6;

/**
 * A token bucket. It is full at first, fills evenly and holds no more than its burst. A cost beyond the burst is let
 * through when the bucket is full and leaves a debt, or what costs more than a bucket holds could never be done.
 */
export class Bucket {
  private tokens: number;
  private atMs: number;

  /** @param nowMs performance.now(), as below */
  constructor(
    private readonly rate: Rate,
    nowMs: number,
  ) {
    this.tokens = rate.burst;
    this.atMs = nowMs;
  }

  /** Takes the cost, or nothing. @returns 0 if it was taken, else the milliseconds after which it would be */
  take(cost: number, nowMs: number): number {
    const { perS, burst } = this.rate;
    if (perS === 0) return 0;
    this.fill(nowMs);
    const missing = Math.min(cost, burst) - this.tokens;
    if (missing > ROUNDING) return Math.ceil(((missing - ROUNDING) * 1_000) / perS);
    this.tokens -= cost;
    return 0;
  }

  /** Takes the cost of what is done already, if need be as a debt. */
  charge(cost: number, nowMs: number): void {
    if (this.rate.perS === 0) return;
    this.fill(nowMs);
    this.tokens -= cost;
  }

  /** What could be taken now; 0 while it is in debt. */
  left(nowMs: number): number {
    this.fill(nowMs);
    return Math.max(0, Math.floor(this.tokens));
  }

  /** Nothing is known of it that a new one would not know: it may be forgotten. */
  isFull(nowMs: number): boolean {
    this.fill(nowMs);
    return this.tokens >= this.rate.burst - ROUNDING;
  }

  private fill(nowMs: number): void {
    const { perS, burst } = this.rate;
    // A clock that steps back fills nothing and takes nothing away.
    if (nowMs > this.atMs) this.tokens = Math.min(burst, this.tokens + ((nowMs - this.atMs) * perS) / 1_000);
    this.atMs = nowMs;
  }
}
