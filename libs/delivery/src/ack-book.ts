import type { Death, Settlement, Settlements } from '#message-persistence';
import type { Subscription } from './subscription.js';

/** A range of one channel that a connection acknowledged. */
export interface AckedRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** performance.now() */
  readonly sentAtMs: number;
  /** A message of the range may ask for a receipt. */
  readonly wantsReceipts: boolean;
}

interface Acked extends AckedRange {
  readonly attempt: number;
}

const MAX_AT_ONCE = 2_000;

/**
 * Folds acknowledgements in memory and writes them every `flushMs`: one row per device and channel, however many acks.
 * A crash loses at most that much, which repeats messages and loses none.
 */
export class AckBook {
  private acked = new Map<Subscription, Acked>();
  private notes: Settlement[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private next: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly settlements: Settlements,
    private readonly flushMs: number,
    private readonly onDeath: (death: Death) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  acknowledge(subscription: Subscription, range: AckedRange): void {
    const known = this.acked.get(subscription);
    this.acked.set(subscription, known ? join(known, range) : { ...range, attempt: subscription.attempt });
    this.schedule();
  }

  /** Something to write down that moves no cursor. */
  note(settlement: Settlement): void {
    this.notes.push(settlement);
    this.schedule();
  }

  /** Resolves once everything noted before the call is committed. */
  saved(): Promise<void> {
    if (this.acked.size + this.notes.length === 0) {
      // What is being written comes back if that fails: look again then.
      return this.flushing?.then(() => this.saved()) ?? Promise.resolve();
    }
    this.next ??= withResolvers();
    return this.next.promise;
  }

  /** Writes now, in one go, and reports rather than throws: what could not be written is kept for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    while (this.flushing) await this.flushing;
    if (this.acked.size + this.notes.length === 0) return;
    this.flushing = this.write().finally(() => (this.flushing = undefined));
    await this.flushing;
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), this.flushMs);
  }

  private async write(): Promise<void> {
    const acked = this.acked;
    const notes = this.notes;
    const saved = this.next;
    this.acked = new Map();
    this.notes = [];
    this.next = undefined;
    try {
      const now = performance.now();
      const all = [...[...acked].map(([subscription, range]) => toSettlement(subscription, range, now)), ...notes];
      for (let from = 0; from < all.length; from += MAX_AT_ONCE) {
        const some = all.slice(from, from + MAX_AT_ONCE);
        await this.settlements.save(some);
        for (const death of await this.settlements.fail(some)) this.onDeath(death);
      }
      saved?.resolve();
    } catch (error) {
      this.onError(error);
      this.putBack(acked, notes, saved);
    }
  }

  private putBack(acked: Map<Subscription, Acked>, notes: Settlement[], saved: AckBook['next']): void {
    for (const [subscription, range] of acked) {
      const later = this.acked.get(subscription);
      this.acked.set(subscription, later ? join(range, later) : range);
    }
    this.notes.unshift(...notes);
    if (saved) {
      const later = this.next;
      this.next = saved;
      if (later) void saved.promise.then(later.resolve);
    }
    this.schedule();
  }
}

function join(earlier: Acked, later: AckedRange): Acked {
  return { ...earlier, toSeq: later.toSeq, wantsReceipts: earlier.wantsReceipts || later.wantsReceipts };
}

function toSettlement(subscription: Subscription, range: Acked, now: number): Settlement {
  return {
    ...subscription.connection.key,
    channel: subscription.channel.name,
    fromSeq: range.fromSeq,
    toSeq: range.toSeq,
    attempt: range.attempt,
    ageMs: now - range.sentAtMs,
    outcome: 'acknowledged',
    error: null,
    isDurable: subscription.isDurable,
    wantsReceipts: range.wantsReceipts,
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settled) => (resolve = settled));
  return { promise, resolve };
}
