import { isOneFree, RateShare } from './rate-share.js';
import type { SharedRateOptions } from './shared-rate-options.js';

/** Idle keys are forgotten when there are twice as many keys as the last sweep left, and at least this many. */
const SWEEP_AT = 1_000;

/**
 * A rate limit per key (a user, an API key) that holds for all instances together. One user gets the whole limit on one
 * instance, and on all instances together at most 105 % of it in any window.
 */
export class SharedRate {
  private readonly shares = new Map<string, RateShare>();
  /**
   * The time of the only request in a window, for keys that made just one: most logins, and most messages of a chat. A
   * share for each of them would be 500 bytes.
   */
  private readonly once = new Map<string, number>();
  private sweepAt = SWEEP_AT;

  constructor(
    private readonly options: SharedRateOptions,
    /** Called for every refusal, also for one that {@link take} gave by a promise. */
    private readonly onRefused: () => void = () => undefined,
  ) {}

  /**
   * Accepts or refuses a request of the key. The answer is a promise only while a share is being leased.
   * @returns 0 if the request was accepted, otherwise the milliseconds after which to come back
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

  /** How many keys are remembered. */
  get size(): number {
    return this.shares.size + this.once.size;
  }

  /** Forgets the keys that have been idle. */
  sweep(nowMs = this.options.now()): void {
    for (const [key, share] of this.shares) if (share.isIdle(nowMs)) this.shares.delete(key);
    for (const [key, atMs] of this.once) if (!this.isInWindow(atMs, nowMs)) this.once.delete(key);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.size);
  }

  /** True if this is the key's first request in its window and the free part suffices for it. It is then noted. */
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
