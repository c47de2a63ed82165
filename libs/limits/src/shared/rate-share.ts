import type { Reach } from './reach.js';
import { SlidingWindow } from './sliding-window.js';

/** What one instance asks for of one key. */
export interface RateAsk {
  readonly key: string;
  /** Of the limit. */
  readonly most: number;
  readonly windowMs: number;
  /** How many were asked for in a window, accepted or not. */
  readonly needed: number;
  /** What it would like to have at hand. */
  readonly wanted: number;
  readonly holdMs: number;
}

export interface SharedRateOptions {
  /** The first word of its keys in the database, and its label in the metrics. */
  readonly name: string;
  /** In a window; 0: there is no limit. */
  readonly limit: number;
  readonly windowMs: number;
  /** How many share the limit, this one included, as far as is known. */
  readonly instances: () => number;
  /**
   * Leases a share until `holdMs` after `ask` was called, which is when the statement is about to be sent. @returns how
   * many are granted a window
   */
  readonly lease: (ask: () => RateAsk) => Promise<number>;
  readonly reach: Reach;
  readonly onError: (error: unknown) => void;
  /** Milliseconds, by a clock that only goes forward. */
  readonly now: () => number;
}

/** Of the limit, for all instances together, without asking: so a user far below its limit causes no statement. */
const FREE = 0.05;
/** So many checks, at least, are to come on a statement. */
const CHECKS_PER_LEASE = 50;
/** A share is asked for again when this part of its time is over, while it still holds. */
const RENEW_AT = 0.75;
const MIN_HOLD_MS = 2_000;
const MAX_HOLD_MS = 30_000;
/** Whoever got less than it wanted asks again after this time, with enough checks, or after {@link MIN_HOLD_MS}. */
const ASK_AGAIN_MS = 1_000;
/** What a share was before it shrank counts for so long beside its window: until then the answer has come, or else is late. */
export const SLACK_MS = 500;
/** So long a caller waits for a share. Then it is refused: a database that is slow has still shared out the whole limit. */
const PATIENCE_MS = 2_000;
/** Shares are fractions, and their sums are off by as much at most. */
const ROUNDING = 1e-6;

function localPart({ limit, instances }: SharedRateOptions): number {
  return limit / instances();
}

/** One in a window is taken without asking, whoever it is. */
export function isOneFree(options: SharedRateOptions): boolean {
  return options.instances() === 1 || localPart(options) * FREE >= 1;
}

/**
 * What this instance may take of a limit that all instances share, for one key. It counts by itself in a sliding window,
 * and asks the database only how many it may count up to: the free part, and what it has leased.
 */
export class RateShare {
  private readonly accepted: SlidingWindow;
  private granted = 0;
  private endsAtMs = -Infinity;
  private renewAtMs = Infinity;
  /** It got less than it wanted, because others hold the rest. */
  private isShort = false;
  /** When the last statement about it was sent. */
  private askedAtMs = -Infinity;
  private isAsking = false;
  /** Nobody waits for this answer any more. */
  private isOverdue = false;
  /** The statement is on its way: by the time it is late it may have made the share smaller. */
  private isSent = false;
  /** Since the last statement was sent. */
  private checks = 0;
  private refused = 0;
  private peak = 0;
  private waiting: ((waitMs: number) => void)[] = [];

  /** @param firstAtMs when one was taken already; undefined: none in this window */
  constructor(
    private readonly key: string,
    private readonly options: SharedRateOptions,
    firstAtMs?: number,
  ) {
    this.accepted = new SlidingWindow(options.windowMs);
    if (firstAtMs !== undefined) this.accepted.add(firstAtMs);
  }

  /** @returns 0 if it was taken, else the milliseconds after which to come again; a promise only while a lease is asked for */
  take(nowMs: number): number | Promise<number> {
    this.checks += 1;
    // Nobody overtakes those who wait: the messages of one sender keep their order.
    if (this.waiting.length > 0) return this.wait(nowMs);
    const hasTaken = this.hasTaken(nowMs);
    if (this.options.reach.isAway) this.tryAgain(nowMs);
    else if (!hasTaken && !this.isOverdue && (this.isAsking || this.mayAsk(nowMs))) return this.askAndWait(nowMs);
    else if (nowMs >= this.renewAtMs) this.renew();
    return hasTaken ? 0 : this.refuse(nowMs);
  }

  /** Nothing is known of it that a new one would not know. */
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
    // More than the limit cannot be granted.
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

  /** Before the share ends, unless the free part is enough by now. */
  private renew(): void {
    this.renewAtMs = Infinity;
    if (this.peak > this.free) this.ask();
  }

  /** The database is out of reach; now and then somebody tries. */
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

  /** How many were asked for in a window, lately. */
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

  /** Answers those who wait, in their order, or asks once more for those who came while the answer was on its way. */
  private settle(nowMs: number): void {
    let first = 0;
    while (first < this.waiting.length && this.hasTaken(nowMs)) this.waiting[first++]?.(0);
    this.waiting.splice(0, first);
    if (this.waiting.length === 0) return;
    if (!this.options.reach.isAway && this.mayAsk(nowMs)) return this.ask();
    for (const resolve of this.waiting.splice(0)) resolve(this.refuse(nowMs));
  }
}
