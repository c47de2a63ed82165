import type { Entry, Position } from '#message-persistence';
import type { AckTarget } from '../acks/ack-target.js';
import type { LiveChannel, LiveReader } from '../live/live-channel.js';
import { DeliveryTracker } from './delivery-tracker.js';
import { dueTo, isToClaim } from './due-entry.js';
import type { SubscriptionHost } from './subscription-host.port.js';

/**
 * A subscription is `opening` until its position is known, `live` while the feed pushes to it, `lagging` while it reads
 * pages at the pace of its acknowledgements until it has caught up, and `closed` in the end (docs/states.md).
 */
export type SubscriptionState = 'opening' | 'live' | 'lagging' | 'closed';

/**
 * A subscription is one channel as one connection reads it. It knows how far the channel was sent and how far it was
 * acknowledged. Nobody else writes its state: the others tell it what happened, and do what it answers.
 */
export class Subscription implements LiveReader, AckTarget {
  private readonly inFlight: DeliveryTracker;
  private current: SubscriptionState = 'opening';
  private sent = 0;
  private acked = 0;
  private maxSent = 0;
  private sentAt: Date | undefined;
  private attemptNumber = 1;
  private mustFindCursor = false;
  private notBeforeMs = 0;
  private isReading = false;
  /** Messages for a single device that this one has claimed. The set is made with the first of them. */
  private claimed: Set<number> | undefined;

  constructor(
    readonly connection: SubscriptionHost,
    readonly channel: LiveChannel,
    private isKept: boolean,
  ) {
    this.inFlight = new DeliveryTracker(connection, this);
  }

  get state(): SubscriptionState {
    return this.current;
  }

  get isLive(): boolean {
    return this.current === 'live';
  }

  /** Everything up to this seq was sent in this attempt; it goes back to `ackedSeq` when an attempt fails. */
  get sentSeq(): number {
    return this.sent;
  }

  get ackedSeq(): number {
    return this.acked;
  }

  /** The time of the message at `sentSeq`, if it is known, bounds the partitions of the next read. */
  get since(): Date | undefined {
    return this.sentAt;
  }

  get attempt(): number {
    return this.attemptNumber;
  }

  /**
   * True for the inbox, broadcast and memberships, whose cursors are stored. A mere `subscribe` to a group becomes
   * durable when its user joins.
   */
  get isDurable(): boolean {
    return this.isKept;
  }

  /** True after a failed attempt, until the cursor of the device was read to learn from where to send again. */
  get isRepeating(): boolean {
    return this.mustFindCursor;
  }

  /** The highest seq ever sent on this connection; the client may acknowledge nothing beyond it. */
  get highestSeq(): number {
    return Math.max(this.maxSent, this.sent);
  }

  becomeDurable(): void {
    this.isKept = true;
  }

  /**
   * The device stands at `seq`, and says that it has processed everything up to `processedSeq`, which counts as
   * acknowledged unless the channel does not reach that far.
   */
  resume({ seq, lastSeq }: Position, processedSeq: number): void {
    if (this.current !== 'opening') return;
    this.moveTo(seq, undefined);
    if (processedSeq <= seq || processedSeq > lastSeq) return;
    // The statement has to look which of these messages ask for a receipt, because it is not known here.
    const run = { fromSeq: seq + 1, toSeq: processedSeq, sentAtMs: performance.now(), wantsReceipts: true };
    this.connection.context.acks.acknowledge(this, processedSeq, [run]);
    this.moveTo(processedSeq, undefined);
  }

  /** The position is known, so the subscription may read from there. */
  start({ seq, lastSeq, lastAt }: Pick<Position, 'seq' | 'lastSeq' | 'lastAt'>): void {
    this.enter('lagging', 'opening');
    const from = Math.max(seq, this.acked);
    this.moveTo(from, from === lastSeq ? lastAt : undefined);
  }

  goLive(): void {
    this.enter('live', 'lagging');
  }

  take(entries: readonly Entry[], since: Date | undefined, nowMs: number): void {
    if (this.current !== 'live' || this.sendAll(entries, since, nowMs)) return;
    this.enter('lagging', 'live');
    this.connection.noteLagging(this.channel.name);
  }

  /** Reserves the right to read pages. @returns false if somebody reads for this subscription already */
  beginReading(): boolean {
    if (this.isReading) return false;
    this.isReading = true;
    return true;
  }

  endReading(): void {
    this.isReading = false;
  }

  /** Returns true if the subscription reads pages and its next one is due and has room. */
  mayRead(nowMs: number): boolean {
    return this.current === 'lagging' && nowMs >= this.notBeforeMs && this.connection.window.hasRoomForPage;
  }

  /** Sends what fits of a page that was read. @returns false if something was left out, which is read again */
  takePage(entries: readonly Entry[], since: Date | undefined, nowMs: number): boolean {
    return this.current === 'lagging' && this.sendAll(entries, since, nowMs);
  }

  /** Returns true for a message to a single device of the user that has to be claimed before it may be sent. */
  mustClaim(entry: Entry): boolean {
    return isToClaim(entry, this.connection.key) && this.claimed?.has(entry.seq) !== true;
  }

  /** The device has claimed these messages. */
  gotClaims(seqs: Iterable<number>): void {
    this.claimed ??= new Set();
    for (const seq of seqs) this.claimed.add(seq);
  }

  /** The client has processed everything up to `seq`. @returns false if that is nothing new, or was never sent */
  acknowledge(seq: number): boolean {
    if (seq <= this.acked || seq > this.highestSeq || this.current === 'closed') return false;
    const ranges = this.inFlight.acknowledge(seq);
    this.sent = Math.max(this.sent, seq);
    // If nothing is in flight, all that was sent after this seq is a gap, which needs no acknowledgement.
    this.acked = this.inFlight.size === 0 ? this.sent : seq;
    this.connection.context.acks.acknowledge(this, this.acked, ranges);
    for (const claimed of this.claimed ?? []) if (claimed <= seq) this.claimed?.delete(claimed);
    this.attemptNumber = 1;
    return true;
  }

  /** The device will never get the message. @returns true if it was the next one to acknowledge, and is passed over */
  passOver(seq: number): boolean {
    if (this.acked !== seq - 1 || this.current === 'closed') return false;
    this.acked = seq;
    this.sent = Math.max(this.sent, seq);
    return true;
  }

  /** Returns true if something is in flight, and neither it nor the connection has made progress since `sinceMs`. */
  isOverdue(sinceMs: number): boolean {
    return this.inFlight.isOverdue(sinceMs);
  }

  /** The acknowledgement did not come in time: what is in flight counts as not delivered and is sent again later. */
  retry(error: string, notBeforeMs: number): void {
    this.enter('lagging', 'live', 'lagging');
    this.inFlight.fail('timeout', error);
    this.moveTo(this.acked, undefined);
    this.attemptNumber += 1;
    this.mustFindCursor = this.isKept;
    this.notBeforeMs = notBeforeMs;
    this.channel.sleepIfUnread();
  }

  /** The last acknowledgement that this connection was given time for did not come either. */
  giveUp(error: string): void {
    this.inFlight.fail('timeout', error);
  }

  /**
   * The cursor of the device was read: what it has acknowledged through another connection meanwhile is not sent again.
   * What this connection was never sent is sent all the same, otherwise its client would find a hole.
   */
  passRepeated(deviceSeq: number): void {
    this.mustFindCursor = false;
    const seq = Math.min(deviceSeq, this.highestSeq);
    if (seq <= this.acked) return;
    this.moveTo(seq, undefined);
    this.attemptNumber = 1;
  }

  /** Records what was sent before `beforeMs` and is in flight, so that the status of these messages shows it. */
  noteSent(beforeMs: number): void {
    this.inFlight.noteSent(beforeMs);
  }

  /** The channel is no longer read: what is in flight counts as not delivered. */
  close(reason: string): void {
    this.current = 'closed';
    this.inFlight.fail('disconnected', reason);
  }

  private enter(state: SubscriptionState, ...from: readonly SubscriptionState[]): void {
    if (!from.includes(this.current)) throw new Error(`a subscription is ${this.current}, and cannot become ${state}`);
    this.current = state;
  }

  private moveTo(seq: number, since: Date | undefined): void {
    this.maxSent = this.highestSeq;
    this.sent = seq;
    this.acked = seq;
    this.sentAt = since;
  }

  private sendAll(entries: readonly Entry[], since: Date | undefined, nowMs: number): boolean {
    for (const entry of entries) if (!this.send(entry, nowMs)) return false;
    this.sentAt = since;
    return true;
  }

  /** Sends one entry. @returns false if it is not the next one, has to be claimed or read again, or has no room */
  private send(entry: Entry, nowMs: number): boolean {
    if (entry.seq <= this.sent) return true;
    const first = entry.kind === 'gap' ? entry.fromSeq : entry.seq;
    if (first > this.sent + 1 || this.mustClaim(entry)) return false;
    const due = dueTo(this.connection.key, entry);
    if (due.kind === 'message' && !this.inFlight.send(due.stored, nowMs, this.isLive)) return false;
    this.connection.send(this.channel.name, due);
    this.sent = due.seq;
    // A gap with nothing in flight before it is acknowledged here for the client.
    if (due.kind === 'gap' && this.inFlight.size === 0) {
      this.acked = this.sent;
      this.connection.context.acks.acknowledge(this, this.acked, []);
    }
    return true;
  }
}
