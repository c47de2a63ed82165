/** How fast a bucket fills, and how much it holds. A rate of 0 means that there is no limit. */
export interface Rate {
  readonly perS: number;
  readonly burst: number;
}

/** A shortage smaller than this comes from the rounding of fractions and counts as none. */
const ROUNDING = 1e-6;

/**
 * A token bucket. It starts full, fills evenly and holds at most its burst. A cost larger than the burst passes when
 * the bucket is full and leaves a debt; otherwise it could never pass.
 */
export class TokenBucket {
  private tokens: number;
  private atMs: number;

  /** @param nowMs the present time by performance.now(), as in every method */
  constructor(
    private readonly rate: Rate,
    nowMs: number,
  ) {
    this.tokens = rate.burst;
    this.atMs = nowMs;
  }

  /** Takes the whole cost or nothing. @returns 0 if the cost was taken, otherwise the milliseconds until it would be */
  take(cost: number, nowMs: number): number {
    const { perS, burst } = this.rate;
    if (perS === 0) return 0;
    this.fill(nowMs);
    const missing = Math.min(cost, burst) - this.tokens;
    if (missing > ROUNDING) return Math.ceil(((missing - ROUNDING) * 1_000) / perS);
    this.tokens -= cost;
    return 0;
  }

  /** Takes the cost of work that is done already; if the bucket holds less, it goes into debt. */
  charge(cost: number, nowMs: number): void {
    if (this.rate.perS === 0) return;
    this.fill(nowMs);
    this.tokens -= cost;
  }

  /** Returns the whole tokens that could be taken now: 0 while the bucket is in debt. */
  left(nowMs: number): number {
    this.fill(nowMs);
    return Math.max(0, Math.floor(this.tokens));
  }

  /** True if the bucket is full. It then behaves like a new one, so it may be forgotten. */
  isFull(nowMs: number): boolean {
    this.fill(nowMs);
    return this.tokens >= this.rate.burst - ROUNDING;
  }

  private fill(nowMs: number): void {
    const { perS, burst } = this.rate;
    // If the clock steps back, nothing is filled and nothing is taken away.
    if (nowMs > this.atMs) this.tokens = Math.min(burst, this.tokens + ((nowMs - this.atMs) * perS) / 1_000);
    this.atMs = nowMs;
  }
}
