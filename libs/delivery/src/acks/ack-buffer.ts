import { withResolvers, type WithResolvers } from '#database';
import { MAX_ATTEMPT_SEQS, type Cursors, type Death, type Settlement } from '#message-persistence';
import type { AckTarget } from './ack-target.js';
import type { SeqRange } from '../connection/in-flight.js';

interface AttemptedRange extends SeqRange {
  readonly attempt: number;
}

/**
 * An outcome that waits to be written. How long ago the range was sent is computed at the write, otherwise its time
 * would be off by the wait.
 */
interface Note {
  readonly subscription: AckTarget;
  readonly attempt: AttemptedRange;
  readonly outcome: 'sent' | 'timeout' | 'disconnected';
  readonly error: string | null;
}

interface Acked {
  toSeq: number;
  readonly ranges: AttemptedRange[];
}

const MAX_AT_ONCE = 2_000;
/** If a device resumes far ahead, as in a channel put forward, only this many of its last attempts are written. */
const MAX_PARTS = 1_000;

/**
 * The ack buffer folds acknowledgements in memory and writes them every `flushMs`: one row per device and channel,
 * however many acks there were. A crash loses at most the acks of that time, which repeats messages and loses none.
 */
export class AckBuffer {
  private acked = new Map<AckTarget, Acked>();
  private notes: Note[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private next: WithResolvers | undefined;

  constructor(
    private readonly cursors: Cursors,
    private readonly flushMs: number,
    private readonly onDeath: (death: Death) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Notes that everything up to `toSeq` is done with; `ranges` are the ranges of messages in it, without the gaps. */
  acknowledge(subscription: AckTarget, toSeq: number, ranges: readonly SeqRange[]): void {
    const known = this.acked.get(subscription) ?? { toSeq, ranges: [] };
    this.acked.set(subscription, known);
    known.toSeq = toSeq;
    for (const range of ranges) addRange(known.ranges, attempted(range, subscription.attempt));
    this.schedule();
  }

  /** Notes an outcome that moves no cursor. */
  note(
    subscription: AckTarget,
    range: SeqRange,
    outcome: 'sent' | 'timeout' | 'disconnected',
    error: string | null,
  ): void {
    const attempt = attempted(range, subscription.attempt);
    this.notes.push({ subscription, attempt, outcome, error });
    this.schedule();
  }

  /** Resolves once everything noted before the call is committed. */
  saved(): Promise<void> {
    if (this.acked.size + this.notes.length === 0) {
      // If the write under way fails, what it wrote comes back here, so look again when it has ended.
      return this.flushing?.then(() => this.saved()) ?? Promise.resolve();
    }
    this.next ??= withResolvers();
    return this.next.promise;
  }

  /** Writes everything now; an error is reported, not thrown, and what was not written is kept for the next time. */
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
    const now = performance.now();
    const noted = notes.map(({ subscription, attempt, outcome, error }) =>
      toSettlement(subscription, attempt, now, outcome, error),
    );
    try {
      const all = [...[...acked].flatMap(([subscription, known]) => toSettlements(subscription, known, now)), ...noted];
      for (let from = 0; from < all.length; from += MAX_AT_ONCE) {
        await this.cursors.save(all.slice(from, from + MAX_AT_ONCE));
      }
    } catch (error) {
      this.onError(error);
      this.putBack(acked, notes, saved);
      return;
    }
    await this.countFailures(noted);
    saved?.resolve();
  }

  /**
   * Counts failed attempts apart from the write, which would otherwise be repeated if this fails. An attempt that could
   * not be counted is left out, and counting goes on with the next one.
   */
  private async countFailures(noted: readonly Settlement[]): Promise<void> {
    try {
      for (const death of await this.cursors.fail(noted)) this.onDeath(death);
    } catch (error) {
      this.onError(error);
    }
  }

  private putBack(acked: Map<AckTarget, Acked>, notes: Note[], saved: AckBuffer['next']): void {
    for (const [subscription, earlier] of acked) {
      const later = this.acked.get(subscription);
      this.acked.set(
        subscription,
        later ? { toSeq: later.toSeq, ranges: [...earlier.ranges, ...later.ranges] } : earlier,
      );
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

/**
 * The fields are spelled out, because `{ ...range, attempt }` would make a hidden class for each object, which takes 1.7
 * µs and 300 bytes.
 */
function attempted({ fromSeq, toSeq, sentAtMs, wantsReceipts }: SeqRange, attempt: number): AttemptedRange {
  return { fromSeq, toSeq, sentAtMs, wantsReceipts, attempt };
}

function addRange(ranges: AttemptedRange[], range: AttemptedRange): void {
  const last = ranges.at(-1);
  const goesOn = last?.toSeq === range.fromSeq - 1 && last.attempt === range.attempt;
  if (goesOn && range.toSeq - last.fromSeq < MAX_ATTEMPT_SEQS)
    ranges[ranges.length - 1] = {
      ...last,
      toSeq: range.toSeq,
      wantsReceipts: last.wantsReceipts || range.wantsReceipts,
    };
  else if (range.toSeq - range.fromSeq < MAX_ATTEMPT_SEQS) ranges.push(range);
  else for (const part of inParts(range)) ranges.push(part);
}

/**
 * Splits a long range, since a resuming device may acknowledge any length, and statements that look for attempts rely
 * on none being longer than MAX_ATTEMPT_SEQS.
 */
function* inParts(range: AttemptedRange): Generator<AttemptedRange> {
  const first = Math.max(range.fromSeq, range.toSeq - MAX_PARTS * MAX_ATTEMPT_SEQS + 1);
  for (let fromSeq = first; fromSeq <= range.toSeq; fromSeq += MAX_ATTEMPT_SEQS)
    yield { ...range, fromSeq, toSeq: Math.min(range.toSeq, fromSeq + MAX_ATTEMPT_SEQS - 1) };
}

function toSettlements(subscription: AckTarget, { toSeq, ranges }: Acked, now: number): Settlement[] {
  const all = ranges.map((range) => toSettlement(subscription, range, now, 'acknowledged', null));
  if (ranges.at(-1)?.toSeq === toSeq) return all;
  // There is a gap at the end: an empty range moves the cursor and is no attempt.
  const nothing = { fromSeq: toSeq + 1, toSeq, sentAtMs: now, wantsReceipts: false, attempt: subscription.attempt };
  return [...all, toSettlement(subscription, nothing, now, 'acknowledged', null)];
}

function toSettlement(
  { connection, channel, isDurable }: AckTarget,
  { fromSeq, toSeq, sentAtMs, wantsReceipts, attempt }: AttemptedRange,
  now: number,
  outcome: Settlement['outcome'],
  error: string | null,
): Settlement {
  const { user, deviceId, connectionId } = connection.key;
  const ageMs = now - sentAtMs;
  const name = channel.name;
  return {
    user,
    deviceId,
    connectionId,
    channel: name,
    fromSeq,
    toSeq,
    attempt,
    ageMs,
    outcome,
    error,
    isDurable,
    wantsReceipts,
  };
}
