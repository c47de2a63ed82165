import { isOneFree, RateShare, type SharedRateOptions } from './rate-share.js';

/** Idle keys are looked for when there are twice as many as were in use, and so many at least. */
const SWEEP_AT = 1_000;

/**
 * A rate that holds for all instances together, for each key by itself: a user, an API key. One user on one instance gets
 * all of its limit, and on all instances together at most 105 % of it in any window.
 */
export class SharedRate {
  private readonly shares = new Map<string, RateShare>();
  /** When those did it who did it once in a window: most logins, and most messages of a chat. A share would be 500 bytes. */
  private readonly once = new Map<string, number>();
  private sweepAt = SWEEP_AT;

  constructor(
    private readonly options: SharedRateOptions,
    /** What {@link take} gave to those who waited counts as well. */
    private readonly onRefused: () => void = () => undefined,
  ) {}

  /**
   * Takes one. The answer is a promise only while a share is being leased.
   * @returns 0 if it was taken, else the milliseconds after which to come again
   */
  take(key: string): number | Promise<number> {
    if (this.options.limit === 0) return 0;
    const nowMs = this.options.now();
    const share = this.shares.get(key);
    if (!share && this.isFirst(key, nowMs)) return 0;
    const taken = (share ?? this.make(key)).take(nowMs);
    if (taken === 0) return 0;
    if (typeof taken === 'number') this.onRefused();
    else void taken.then((waitMs) => waitMs > 0 && this.onRefused());
    return taken;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.shares.size + this.once.size;
  }

  /** Forgets the keys that have been idle. */
  sweep(nowMs = this.options.now()): void {
    for (const [key, share] of this.shares) if (share.isIdle(nowMs)) this.shares.delete(key);
    for (const [key, atMs] of this.once) if (!this.isInWindow(atMs, nowMs)) this.once.delete(key);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.size);
  }

  /** Notes it as the first of its window, for which the free part of everybody suffices. */
  private isFirst(key: string, nowMs: number): boolean {
    const atMs = this.once.get(key);
    if (atMs !== undefined && this.isInWindow(atMs, nowMs)) return false;
    if (!isOneFree(this.options)) return false;
    if (this.size >= this.sweepAt) this.sweep(nowMs);
    this.once.set(key, nowMs);
    return true;
  }

  private isInWindow(atMs: number, nowMs: number): boolean {
    return nowMs < atMs + this.options.windowMs * 1.05;
  }

  private make(key: string): RateShare {
    const share = new RateShare(key, this.options, this.once.get(key));
    this.once.delete(key);
    this.shares.set(key, share);
    return share;
  }
}
