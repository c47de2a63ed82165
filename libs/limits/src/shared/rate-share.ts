import { SLACK_MS, type RateAsk, type SharedRateOptions } from './shared-rate-options.js';
import { SlidingWindow } from './sliding-window.js';

/** The part of the limit that needs no lease, for all instances together: users far below it cause no statement. */
const FREE = 0.05;
/** There are to be at least this many checks per statement. */
const CHECKS_PER_LEASE = 50;
/** A share is renewed when this part of its time is over, while it still holds. */
const RENEW_AT = 0.75;
const MIN_HOLD_MS = 2_000;
const MAX_HOLD_MS = 30_000;
/**
 * An instance that got less than it wanted asks again after this time if there were {@link CHECKS_PER_LEASE} checks,
 * otherwise after {@link MIN_HOLD_MS}.
 */
const ASK_AGAIN_MS = 1_000;
/** How long a caller waits. Then it is refused, because a slow database has still shared out the whole limit. */
const PATIENCE_MS = 2_000;
/** Shares are fractions, and rounding puts their sums off by at most this much. */
const ROUNDING = 1e-6;

function localPart({ limit, instances }: SharedRateOptions): number {
  return limit / instances();
}

/** True if a key's first request in a window is accepted without a lease, whichever key it is. */
export function isOneFree(options: SharedRateOptions): boolean {
  return options.instances() === 1 || localPart(options) * FREE >= 1;
}

/**
 * The part of a limit of all instances that this one may use, for one key. It counts requests by itself in a sliding
 * window, up to the free part plus what it has leased; the database is only asked for the lease.
 */
export class RateShare {
  private readonly accepted: SlidingWindow;
  private granted = 0;
  private endsAtMs = -Infinity;
  private renewAtMs = Infinity;
  /** True if the last lease granted less than was wanted, because other instances hold the rest. */
  private isShort = false;
  /** The time at which the last statement about this share was sent. */
  private askedAtMs = -Infinity;
  private isAsking = false;
  /** True if the callers have stopped waiting for the answer that is on its way. */
  private isOverdue = false;
  /** True while a statement is on its way. By the time it is late, it may already have made the share smaller. */
  private isSent = false;
  /** The checks, the refusals, and the most accepted in a window, all since the last statement was sent. */
  private checks = 0;
  private refused = 0;
  private peak = 0;
  private waiting: ((waitMs: number) => void)[] = [];

  /** @param firstAtMs when the first request of this window was accepted; undefined means that there was none */
  constructor(
    private readonly key: string,
    private readonly options: SharedRateOptions,
    firstAtMs?: number,
  ) {
    this.accepted = new SlidingWindow(options.windowMs);
    if (firstAtMs !== undefined) this.accepted.add(firstAtMs);
  }

  /**
   * @returns 0 if the request was accepted, otherwise the milliseconds after which to come back; a promise only while a
   * lease is asked for
   */
  take(nowMs: number): number | Promise<number> {
    this.checks += 1;
    // A later caller never overtakes one that waits, so the messages of one sender keep their order.
    if (this.waiting.length > 0) return this.wait(nowMs);
    const hasTaken = this.hasTaken(nowMs);
    if (this.options.reach.isAway) this.tryAgain(nowMs);
    else if (!hasTaken && !this.isOverdue && (this.isAsking || this.mayAsk(nowMs))) return this.askAndWait(nowMs);
    else if (nowMs >= this.renewAtMs) this.renew();
    return hasTaken ? 0 : this.refuse(nowMs);
  }

  /** True if this share knows nothing that a new one would not know, so it may be forgotten. */
  isIdle(nowMs: number): boolean {
    return !this.isAsking && nowMs >= this.endsAtMs && this.accepted.count(nowMs) === 0;
  }

  private get local(): number {
    return localPart(this.options);
  }

  private get free(): number {
    return this.local * FREE;
  }

  private share(nowMs: number): number {
    const { limit, instances, reach } = this.options;
    if (instances() === 1) return limit + this.free;
    if (nowMs < this.endsAtMs)
      return this.free + (this.isLate(nowMs) ? Math.min(this.granted, this.local) : this.granted);
    return reach.isAway ? this.local : this.free;
  }

  private isLate(nowMs: number): boolean {
    return this.isSent && nowMs > this.askedAtMs + SLACK_MS;
  }

  private hasTaken(nowMs: number): boolean {
    const count = this.accepted.count(nowMs) + 1;
    if (count > this.share(nowMs) + ROUNDING) return false;
    this.accepted.add(nowMs);
    if (count > this.peak) this.peak = count;
    return true;
  }

  private refuse(nowMs: number): number {
    this.refused += 1;
    return Math.ceil(this.accepted.untilOldestLeave(nowMs)) || Math.min(this.options.windowMs, MIN_HOLD_MS);
  }

  private askAndWait(nowMs: number): number | Promise<number> {
    this.ask();
    return this.wait(nowMs);
  }

  private wait(nowMs: number): number | Promise<number> {
    // If as many wait as the limit allows, no lease could grant one more.
    if (this.waiting.length >= this.options.limit) return this.refuse(nowMs);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private mayAsk(nowMs: number): boolean {
    if (this.options.instances() === 1) return false;
    const sinceMs = nowMs - this.askedAtMs;
    if (nowMs >= this.endsAtMs) return true;
    if (this.granted >= this.options.limit) return false;
    if (sinceMs >= MIN_HOLD_MS) return true;
    return !this.isShort || (sinceMs >= ASK_AGAIN_MS && this.checks >= CHECKS_PER_LEASE);
  }

  /** Renews the share before it ends, unless the free part is enough by now. */
  private renew(): void {
    this.renewAtMs = Infinity;
    if (this.peak > this.free) this.ask();
  }

  /** Asks now and then while the database is out of reach. */
  private tryAgain(nowMs: number): void {
    if (this.options.instances() > 1 && this.options.reach.mayTry(nowMs)) this.ask();
  }

  private ask(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.lease().catch(this.options.onError);
  }

  private async lease(): Promise<void> {
    const { lease, reach } = this.options;
    const late = setTimeout(() => this.giveUpWaiting(), PATIENCE_MS);
    let sent: RateAsk | undefined;
    try {
      const granted = await lease(() => (sent = this.toAsk(this.options.now())));
      reach.answered();
      if (sent) this.hold(granted, sent);
    } catch (error) {
      reach.failed(this.options.now());
      throw error;
    } finally {
      clearTimeout(late);
      this.isAsking = this.isSent = this.isOverdue = false;
      this.settle(this.options.now());
    }
  }

  private toAsk(nowMs: number): RateAsk {
    const { limit, windowMs } = this.options;
    const needed = this.needed(nowMs);
    const holdMs = ((CHECKS_PER_LEASE / needed) * windowMs) / RENEW_AT;
    this.isSent = true;
    this.askedAtMs = nowMs;
    this.checks = this.refused = 0;
    this.peak = this.accepted.count(nowMs);
    const floor = Math.ceil(this.local / 4);
    return {
      key: `${this.options.name} ${this.key}`,
      most: limit,
      windowMs,
      needed,
      wanted: Math.min(limit, Math.max(2 * needed, floor)),
      holdMs: Math.round(Math.min(MAX_HOLD_MS, Math.max(MIN_HOLD_MS, holdMs))),
    };
  }

  /** Estimates how many requests came per window lately, whether they were accepted, wait or were refused. */
  private needed(nowMs: number): number {
    const { limit, windowMs } = this.options;
    const accepted = Math.max(this.peak, this.accepted.count(nowMs) + this.waiting.length);
    const refused = (this.refused * windowMs) / Math.max(windowMs, nowMs - this.askedAtMs);
    return Math.max(1, Math.min(limit, accepted + Math.ceil(refused)));
  }

  private hold(granted: number, { wanted, holdMs }: RateAsk): void {
    this.granted = granted;
    this.isShort = granted < wanted;
    this.endsAtMs = this.askedAtMs + holdMs;
    this.renewAtMs = this.askedAtMs + holdMs * RENEW_AT;
  }

  private giveUpWaiting(): void {
    this.isOverdue = true;
    const nowMs = this.options.now();
    for (const resolve of this.waiting.splice(0)) resolve(this.hasTaken(nowMs) ? 0 : this.refuse(nowMs));
  }

  /** Answers the waiting callers in order, or asks once more for those who came while the answer was on its way. */
  private settle(nowMs: number): void {
    let first = 0;
    while (first < this.waiting.length && this.hasTaken(nowMs)) this.waiting[first++]?.(0);
    this.waiting.splice(0, first);
    if (this.waiting.length === 0) return;
    if (!this.options.reach.isAway && this.mayAsk(nowMs)) return this.ask();
    for (const resolve of this.waiting.splice(0)) resolve(this.refuse(nowMs));
  }
}
