import type { StoredMessage } from '#message-persistence';
import type { AckTarget } from '../acks/ack-target.js';
import { InFlight, type SeqRange } from './in-flight.js';
import type { SubscriptionHost } from './subscription-host.port.js';

/**
 * Follows what one subscription has in flight: it takes and gives back room in the window of the connection, and tells
 * the ack buffer, the metrics and the traces what becomes of each message. It extends the list instead of holding it,
 * because an instance has one for each channel of each connection.
 */
export class DeliveryTracker extends InFlight {
  /** The time when a message was last sent while none was in flight, by performance.now(). */
  private progressAtMs = 0;
  /** Messages in flight up to this seq are recorded as sent. */
  private notedSeq = 0;
  /** The seq of the message that is being timed until it is acknowledged; 0 means that none is. */
  private timedSeq = 0;
  /** The time when the message that is being timed was stored, by performance.now(). */
  private timedSinceMs = 0;

  constructor(
    private readonly host: SubscriptionHost,
    private readonly target: AckTarget,
  ) {
    super();
  }

  /** @returns false if the window has no room for the message, or if it has to be read again because it seems expired */
  send(stored: StoredMessage, nowMs: number, isLive: boolean): boolean {
    const { window, context } = this.host;
    if (!window.hasRoomFor(stored.bytes) || (isLive && this.seemsExpired(stored))) return false;
    window.take(stored.bytes);
    if (isLive && this.timedSeq === 0 && context.metrics.isOn) this.startTiming(stored);
    context.traces?.sent(this.target, stored);
    if (this.size === 0) this.progressAtMs = nowMs;
    this.add(stored.seq, stored.bytes, nowMs, stored.controls?.receipts !== undefined);
    return true;
  }

  /** Ends the deliveries up to `seq`, which the client has processed. @returns their ranges */
  acknowledge(seq: number): readonly SeqRange[] {
    const { window, context } = this.host;
    const { count, bytes, ranges } = this.settleUpTo(seq);
    window.release(count, bytes);
    context.metrics.acks.inc(count);
    if (this.timedSeq !== 0 && seq >= this.timedSeq) this.stopTiming();
    context.traces?.acknowledged(this.target, seq, () => context.acks.saved());
    return ranges;
  }

  /** Everything in flight counts as not delivered. */
  fail(outcome: 'timeout' | 'disconnected', error: string): void {
    const { window, context } = this.host;
    const { count, bytes, ranges } = this.settleUpTo();
    window.release(count, bytes);
    for (const range of ranges) context.acks.note(this.target, range, outcome, error);
    context.traces?.failed(this.target, outcome);
    this.notedSeq = 0;
  }

  /** Returns true if something is in flight, and neither it nor the connection has made progress since `sinceMs`. */
  isOverdue(sinceMs: number): boolean {
    return this.size > 0 && Math.max(this.progressAtMs, this.host.ackedAtMs) < sinceMs;
  }

  /** Records everything in flight as sent if its oldest message was sent before `beforeMs`. */
  noteSent(beforeMs: number): void {
    if (this.oldestAtMs === undefined || this.oldestAtMs >= beforeMs) return;
    for (const range of this.ranges) {
      if (range.toSeq <= this.notedSeq) continue;
      const fromSeq = Math.max(range.fromSeq, this.notedSeq + 1);
      this.host.context.acks.note(this.target, { ...range, fromSeq }, 'sent', null);
      this.notedSeq = range.toSeq;
    }
  }

  /**
   * Only the database can say that a message has expired, hence a live subscription falls behind and reads it again. What
   * a page holds needs no such look, because the database has just said that it has time left.
   */
  private seemsExpired({ expiresAtMs }: StoredMessage): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.host.context.clock.now();
  }

  /** Only live subscriptions are timed: while one catches up, the age of what it reads says nothing. */
  private startTiming({ seq, createdAtMs }: StoredMessage): void {
    this.timedSeq = seq;
    this.timedSinceMs = performance.now() - Math.max(0, this.host.context.clock.now() - createdAtMs);
  }

  private stopTiming(): void {
    this.host.context.metrics.commitToAck.observe((performance.now() - this.timedSinceMs) / 1_000);
    this.timedSeq = 0;
  }
}
