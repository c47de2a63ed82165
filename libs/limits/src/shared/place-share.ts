import type { Reach } from './reach.js';

/** The ask of one instance to PostgreSQL for its places under one key. */
export interface PlaceAsk {
  readonly key: string;
  /** The limit: how many places all instances have together. */
  readonly most: number;
  readonly used: number;
  /** How many places are in use, waited for, or were lately refused. */
  readonly needed: number;
  /** How many more places the instance would like to hold ready, while there are plenty. */
  readonly spare: number;
}

export interface SharedPlacesOptions {
  /** The first word of the keys in the database. */
  readonly name: string;
  readonly limit: number;
  readonly instances: () => number;
  /** How long free places are held ready. 0 means that only needed places are leased, and given back at once. */
  readonly keepMs: number;
  /**
   * How long no more places are taken after PostgreSQL has lost the table. By then all instances wrote theirs again.
   */
  readonly settleMs: number;
  /**
   * @returns how many places the instance has now. Null means that the table was emptied, and that the places in use
   * here have been written into it again.
   */
  readonly lease: (ask: () => PlaceAsk) => Promise<number | null>;
  readonly reach: Reach;
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
  /** Returns 0 ≤ x < 1, which spreads the times after which refused callers come back. */
  readonly random: () => number;
}

/** PostgreSQL is asked at most this often for a place while there is none and a caller wants one. */
const ASK_AGAIN_MS = 500;
const COME_BACK_MS = 1_000;
/** The most free places that are held ready. */
const BLOCK = 500;
/** How long a caller waits. Then it is refused, because a slow database may have given all places to others. */
const PATIENCE_MS = 2_000;

/** The places of one key on this instance: those in use, and those that it has leased and may give out. */
export class PlaceShare {
  private used = 0;
  /** How many places may be in use. While an answer is on its way, the answer cannot fall below this number. */
  private most = 0;
  /** True if the last answer gave fewer places than were needed, because there are none left. */
  private isShort = false;
  private turnedAway = 0;
  private askedAtMs = -Infinity;
  private settlesAtMs = -Infinity;
  private isAsking = false;
  /** True if the callers have stopped waiting for the answer that is on its way. */
  private isOverdue = false;
  private waiting: ((waitMs: number) => void)[] = [];

  constructor(
    private readonly key: string,
    private readonly options: SharedPlacesOptions,
  ) {}

  /**
   * @returns 0 if a place was taken, otherwise the milliseconds after which to come back; a promise only if PostgreSQL
   * has to be asked for a place
   */
  enter(): number | Promise<number> {
    if (this.waiting.length === 0 && this.hasEntered()) return 0;
    if (this.isFull()) return this.refuse();
    this.ask();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    this.used -= 1;
    if (this.options.keepMs === 0) this.giveBack();
  }

  /** Returns the milliseconds after which to come back if it is known that there is no place; 0: there may be one. */
  shortage(): number {
    return this.used + this.waiting.length >= this.room && this.isFull() ? this.refuse() : 0;
  }

  /** Gives back the places that were held ready for too long. The owner calls this every second. */
  tidy(): void {
    if (this.options.reach.isAway || this.used > this.most) this.tryAgain();
    else if (this.options.now() >= this.askedAtMs + this.options.keepMs) this.giveBack();
  }

  /**
   * Writes down the places in use after PostgreSQL has lost the table, and takes no more until the other instances have
   * done the same.
   */
  rebuild(): void {
    this.settlesAtMs = this.options.now() + this.options.settleMs;
    this.ask();
  }

  get isIdle(): boolean {
    return this.used === 0 && this.most === 0 && !this.isAsking;
  }

  private get room(): number {
    const { reach, limit, instances } = this.options;
    return reach.isAway ? Math.max(this.most, Math.floor(limit / instances())) : this.most;
  }

  private get isSettling(): boolean {
    return this.options.now() < this.settlesAtMs;
  }

  private hasEntered(): boolean {
    if (this.used >= this.room) return false;
    this.used += 1;
    return true;
  }

  private isFull(): boolean {
    return this.isShort || this.isOverdue || this.isSettling || this.options.reach.isAway;
  }

  private refuse(): number {
    this.turnedAway += 1;
    this.tryAgain();
    return Math.round(COME_BACK_MS * (1 + 2 * this.options.random()));
  }

  /** Asks whether there is a place by now, so that a refused caller may get it when it comes back. */
  private tryAgain(): void {
    const nowMs = this.options.now();
    const { reach } = this.options;
    if (reach.isAway ? reach.mayTry(nowMs) : nowMs >= this.askedAtMs + ASK_AGAIN_MS) this.ask();
  }

  private giveBack(): void {
    if (this.used < this.most && this.waiting.length === 0) this.ask();
  }

  private ask(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.lease().catch(this.options.onError);
  }

  private async lease(): Promise<void> {
    const { lease, reach, now } = this.options;
    const late = setTimeout(() => this.giveUpWaiting(), PATIENCE_MS);
    let needed = 0;
    try {
      const granted = await lease(() => {
        const ask = this.toAsk();
        needed = ask.needed;
        return ask;
      });
      reach.answered();
      if (granted === null) this.settlesAtMs = now() + this.options.settleMs;
      this.most = granted ?? this.used;
      this.isShort = this.most < needed;
    } catch (error) {
      reach.failed(now());
      throw error;
    } finally {
      clearTimeout(late);
      this.isAsking = this.isOverdue = false;
      this.settle();
    }
  }

  private toAsk(): PlaceAsk {
    const { limit, keepMs } = this.options;
    const { used, isSettling, key } = this;
    // If no places are held ready, none are asked for on behalf of refused callers who may come back.
    const wanting = this.waiting.length + (keepMs > 0 ? this.turnedAway : 0);
    const needed = isSettling ? used : used + wanting;
    this.askedAtMs = this.options.now();
    this.turnedAway = 0;
    // The answer takes away no place that is both held and needed, so this many are safe even if it is lost.
    this.most = Math.min(this.most, needed);
    return { key, most: limit, used, needed, spare: isSettling || keepMs === 0 ? 0 : BLOCK };
  }

  private giveUpWaiting(): void {
    this.isOverdue = true;
    for (const resolve of this.waiting.splice(0)) resolve(this.refuse());
  }

  private settle(): void {
    let first = 0;
    while (first < this.waiting.length && this.hasEntered()) this.waiting[first++]?.(0);
    this.waiting.splice(0, first);
    if (this.waiting.length > 0 && !this.isFull()) return this.ask();
    for (const resolve of this.waiting.splice(0)) resolve(this.refuse());
    if (this.options.keepMs === 0 && !this.options.reach.isAway) this.giveBack();
  }
}
