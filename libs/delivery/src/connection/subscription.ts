import { isWithheld, type Entry, type Recipient } from '#message-persistence';
import type { AckTarget } from '../acks/ack-target.js';
import { InFlight } from './in-flight.js';
import type { LiveChannel, LiveReader } from '../live/live-channel.js';
import type { SendWindow } from './send-window.js';

/**
 * A subscription is `opening` until its position is known, `live` while the feed pushes to it, `lagging` while it reads
 * pages from the table at the pace of its acknowledgements until it has caught up, and `closed` in the end.
 */
export type SubscriptionState = 'opening' | 'live' | 'lagging' | 'closed';

/** The connection as its subscriptions see it. */
export interface SubscriptionHost {
  readonly key: Recipient;
  readonly window: SendWindow;
  /** @returns the entry that was sent, or undefined if the window is full or the entry has to be read again */
  send(subscription: Subscription, entry: Entry): Entry | undefined;
  /** A gap was sent. */
  passGap(subscription: Subscription): void;
  /** The subscription has fallen behind: somebody has to let it read on by itself. */
  noteLagging(subscription: Subscription): void;
}

/**
 * A subscription is one channel as one connection reads it. It knows how far the channel was sent and how far it was
 * acknowledged.
 */
export class Subscription implements LiveReader, AckTarget {
  state: SubscriptionState = 'opening';
  isReading = false;
  /** Everything up to this seq was sent in this attempt; it goes back to `ackedSeq` when an attempt fails. */
  sentSeq = 0;
  ackedSeq = 0;
  /** The time of the message at `sentSeq`, if it is known, bounds the partitions of the next read. */
  since: Date | undefined;
  attempt = 1;
  /** True after a failed attempt, until the cursor of the device was read to learn from where to send again. */
  isRepeating = false;
  /** A failed attempt is not repeated before this time, by performance.now(). */
  notBeforeMs = 0;
  /**
   * The time when a message was last sent while none was in flight, by performance.now(); see also `ackedAtMs` of the
   * connection.
   */
  progressAtMs = 0;
  readonly inFlight = new InFlight();
  /** Messages for a single device that this one has claimed. The set is made with the first of them. */
  claimed: Set<number> | undefined;
  /** Messages in flight up to this seq are recorded as sent. */
  notedSeq = 0;
  /** The seq of the message that is being timed until it is acknowledged; 0 means that none is. */
  timedSeq = 0;
  /** The time when the message that is being timed was stored, by performance.now(). */
  timedSinceMs = 0;
  private maxSentSeq = 0;

  constructor(
    readonly connection: SubscriptionHost,
    readonly channel: LiveChannel,
    /**
     * True for the inbox, broadcast and memberships, whose cursors are stored. A mere `subscribe` to a group becomes
     * durable when its user joins.
     */
    public isDurable: boolean,
  ) {}

  get isLive(): boolean {
    return this.state === 'live';
  }

  /** The highest seq ever sent on this connection; the client may acknowledge nothing beyond it. */
  get highestSeq(): number {
    return Math.max(this.maxSentSeq, this.sentSeq);
  }

  startAt(seq: number, since: Date | undefined): void {
    this.sentSeq = seq;
    this.ackedSeq = seq;
    this.since = since;
  }

  goLive(): void {
    this.state = 'live';
  }

  close(): void {
    this.state = 'closed';
  }

  take(entries: readonly Entry[], since: Date | undefined, nowMs: number): void {
    for (const entry of entries) {
      if (this.push(entry, nowMs)) continue;
      this.state = 'lagging';
      this.connection.noteLagging(this);
      return;
    }
    this.since = since;
  }

  /**
   * Sends one entry if it is the next one and there is room.
   * @returns false if the entry was not sent, so that the subscription has to read it from the table
   */
  push(entry: Entry, nowMs: number): boolean {
    if (entry.seq <= this.sentSeq) return true;
    const first = entry.kind === 'gap' ? entry.fromSeq : entry.seq;
    if (first > this.sentSeq + 1) return false;
    if (this.mustClaim(entry)) return false;
    const sent = this.connection.send(this, entry);
    if (!sent) return false;
    if (sent.kind === 'message') {
      if (this.inFlight.size === 0) this.progressAtMs = nowMs;
      this.inFlight.add(sent.seq, sent.stored.bytes, nowMs, sent.stored.controls?.receipts !== undefined);
    }
    this.sentSeq = sent.seq;
    if (sent.kind === 'gap') this.connection.passGap(this);
    return true;
  }

  /** Returns true for a message to a single device of the user that has to be claimed before it may be sent. */
  mustClaim(entry: Entry): boolean {
    if (entry.kind !== 'message' || entry.stored.controls?.deliverTo !== 'first-device') return false;
    // If a device claimed a message that is withheld from it, no device would get that message.
    if (isWithheld(entry.stored.controls, this.connection.key)) return false;
    return this.claimed?.has(entry.seq) !== true;
  }

  /** Goes back to what was acknowledged, so that everything after it is sent again. */
  rewind(): void {
    this.maxSentSeq = this.highestSeq;
    this.sentSeq = this.ackedSeq;
    this.since = undefined;
    this.notedSeq = 0;
    this.attempt += 1;
    this.isRepeating = this.isDurable;
  }

  /**
   * Skips what the device has acknowledged through another connection meanwhile, as its cursor shows. What this
   * connection was never sent is sent all the same, otherwise its client would find a hole.
   */
  passRepeated(deviceSeq: number): void {
    this.isRepeating = false;
    const seq = Math.min(deviceSeq, this.highestSeq);
    if (seq <= this.ackedSeq) return;
    this.startAt(seq, undefined);
    this.attempt = 1;
  }
}
