import type { Reach } from './reach.js';

/** What one instance says of its places under one key. */
export interface PlaceAsk {
  readonly key: string;
  /** Of the limit. */
  readonly most: number;
  readonly used: number;
  /** As many as are in use, waited for, and were refused lately. */
  readonly needed: number;
  /** What it would like to have at hand beyond that, while there is plenty. */
  readonly spare: number;
}

export interface SharedPlacesOptions {
  /** The first word of its keys in the database. */
  readonly name: string;
  readonly limit: number;
  readonly instances: () => number;
  /** How long places are kept at hand, for those who come next; 0: exactly what is needed is leased, and given back at once. */
  readonly keepMs: number;
  /** How long nobody takes more after PostgreSQL has lost the table: by then all instances have written theirs again. */
  readonly settleMs: number;
  /** @returns the places it has now; null: the table was emptied, and has what is in use here again */
  readonly lease: (ask: () => PlaceAsk) => Promise<number | null>;
  readonly reach: Reach;
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
  /** 0 ≤ x < 1; spreads those who are told to come back. */
  readonly random: () => number;
}

/** How often it is asked whether there is a place by now, while there is none and somebody wants one. */
const ASK_AGAIN_MS = 500;
const COME_BACK_MS = 1_000;
/** The most that is kept at hand. */
const BLOCK = 500;
/** So long a caller waits for an answer. Then it is refused: a database that is slow may have given all places to others. */
const PATIENCE_MS = 2_000;

/** The places of one key on this instance: those in use, and those it has leased and may give out. */
export class PlaceShare {
  private used = 0;
  /** How many may be in use; while an answer is on its way, what it cannot fall below. */
  private most = 0;
  /** The last answer gave less than was needed: there is none left. */
  private isShort = false;
  private turnedAway = 0;
  private askedAtMs = -Infinity;
  private settlesAtMs = -Infinity;
  private isAsking = false;
  /** Nobody waits for this answer any more. */
  private isOverdue = false;
  private waiting: ((waitMs: number) => void)[] = [];

  constructor(
    private readonly key: string,
    private readonly options: SharedPlacesOptions,
  ) {}

  /** @returns 0 if a place was taken, else the milliseconds after which to come again; a promise only while one is asked for */
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

  /** The milliseconds after which to come again if it is known that there is no place; 0: there may be one. */
  shortage(): number {
    return this.used + this.waiting.length >= this.room && this.isFull() ? this.refuse() : 0;
  }

  /** Gives back what is at hand for too long. Its owner calls this every second. */
  tidy(): void {
    if (this.options.reach.isAway || this.used > this.most) this.tryAgain();
    else if (this.options.now() >= this.askedAtMs + this.options.keepMs) this.giveBack();
  }

  /** PostgreSQL has lost the table. Writes down what is in use, and takes no more before the others have done so. */
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

  /** Somebody wants a place: asks whether there is one by now, for when it comes back. */
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
    // What is not kept need not be asked for on behalf of those who may come back.
    const wanting = this.waiting.length + (keepMs > 0 ? this.turnedAway : 0);
    const needed = isSettling ? used : used + wanting;
    this.askedAtMs = this.options.now();
    this.turnedAway = 0;
    // The answer is not below what is needed, as far as that is held already, and whatever comes of a lost one.
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
