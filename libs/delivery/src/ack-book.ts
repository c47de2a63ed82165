import type { Settlement, Settlements } from '#message-persistence';
import type { Subscription } from './subscription.js';

interface Acked {
  fromSeq: number;
  toSeq: number;
  attempt: number;
  sentAtMs: number;
}

const MAX_AT_ONCE = 2_000;

/**
 * Folds acknowledgements in memory and writes them every `flushMs`: one row per device and channel, however many acks.
 * A crash loses at most that much, which repeats messages and loses none.
 */
export class AckBook {
  private acked = new Map<Subscription, Acked>();
  private failed: Settlement[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private next: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly settlements: Settlements,
    private readonly flushMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  acknowledge(subscription: Subscription, fromSeq: number, toSeq: number, sentAtMs: number): void {
    const known = this.acked.get(subscription);
    if (known) known.toSeq = toSeq;
    else this.acked.set(subscription, { fromSeq, toSeq, sentAtMs, attempt: subscription.attempt });
    this.schedule();
  }

  fail(settlement: Settlement): void {
    this.failed.push(settlement);
    this.schedule();
  }

  /** Resolves once everything noted before the call is committed. */
  saved(): Promise<void> {
    if (this.acked.size + this.failed.length === 0) {
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
    if (this.acked.size + this.failed.length === 0) return;
    this.flushing = this.write().finally(() => (this.flushing = undefined));
    await this.flushing;
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), this.flushMs);
  }

  private async write(): Promise<void> {
    const acked = this.acked;
    const failed = this.failed;
    const saved = this.next;
    this.acked = new Map();
    this.failed = [];
    this.next = undefined;
    try {
      const now = performance.now();
      const all = [...[...acked].map(([subscription, range]) => toSettlement(subscription, range, now)), ...failed];
      for (let from = 0; from < all.length; from += MAX_AT_ONCE) {
        await this.settlements.save(all.slice(from, from + MAX_AT_ONCE));
      }
      saved?.resolve();
    } catch (error) {
      this.onError(error);
      this.putBack(acked, failed, saved);
    }
  }

  private putBack(acked: Map<Subscription, Acked>, failed: Settlement[], saved: AckBook['next']): void {
    for (const [subscription, range] of acked) {
      const later = this.acked.get(subscription);
      if (later) later.fromSeq = range.fromSeq;
      else this.acked.set(subscription, range);
    }
    this.failed.unshift(...failed);
    if (saved) {
      const later = this.next;
      this.next = saved;
      if (later) void saved.promise.then(later.resolve);
    }
    this.schedule();
  }
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
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settled) => (resolve = settled));
  return { promise, resolve };
}
