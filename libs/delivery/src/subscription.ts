import { isWithheld, type Entry, type Recipient } from '#message-persistence';
import type { AckTarget } from './ack-target.js';
import { Flight } from './flight.js';
import type { LiveChannel, LiveReader } from './live-channel.js';
import type { Window } from './window.js';

/**
 * `opening`: its position is not known yet · `live`: the feed pushes to it ·
 * `lagging`: it reads pages from the table, at the pace of its acknowledgements, until it has caught up · `closed`.
 */
export type SubscriptionState = 'opening' | 'live' | 'lagging' | 'closed';

/** The connection as its subscriptions see it. */
export interface SubscriptionHost {
  readonly key: Recipient;
  readonly window: Window;
  /** @returns the entry that was sent, or undefined if the window is full or the entry has to be read again */
  send(subscription: Subscription, entry: Entry): Entry | undefined;
  /** A gap was sent. */
  passGap(subscription: Subscription): void;
  /** The subscription has fallen behind: somebody has to let it read on by itself. */
  noteLagging(subscription: Subscription): void;
}

/** One channel read by one connection: how far it was sent, how far it was acknowledged. */
export class Subscription implements LiveReader, AckTarget {
  state: SubscriptionState = 'opening';
  isReading = false;
  /** Sent in this attempt; goes back to ackedSeq when an attempt fails. */
  sentSeq = 0;
  ackedSeq = 0;
  /** Time of the message at sentSeq, as far as known: bounds the partitions of the next read. */
  since: Date | undefined;
  attempt = 1;
  /** It is to send again what its device has not acknowledged, and asks how far that is first. */
  isRepeating = false;
  /** performance.now() before which a failed attempt is not repeated. */
  notBeforeMs = 0;
  /** When something was last sent into an empty flight; see also `ackedAtMs` of the connection. */
  progressAtMs = 0;
  readonly flight = new Flight();
  /** Messages for one device alone that are this device's: it asked first. Made with the first of them. */
  claimed: Set<number> | undefined;
  /** Written down as sent and waited for, up to here. */
  notedSeq = 0;
  /** The message whose way to the client is being timed; 0: none. */
  timedSeq = 0;
  /** When it was stored, performance.now(). */
  timedSinceMs = 0;
  private maxSentSeq = 0;

  constructor(
    readonly connection: SubscriptionHost,
    readonly channel: LiveChannel,
    /** A membership or inbox, whose position is kept; a mere `subscribe` becomes one when its user joins. */
    public isDurable: boolean,
  ) {}

  get isLive(): boolean {
    return this.state === 'live';
  }

  /** The highest seq ever sent on this connection: nothing beyond it may be acknowledged. */
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
   * Sends on one entry if it is the next one and there is room.
   * @returns false if it could not: the subscription has to read on by itself
   */
  push(entry: Entry, nowMs: number): boolean {
    if (entry.seq <= this.sentSeq) return true;
    const first = entry.kind === 'gap' ? entry.fromSeq : entry.seq;
    if (first > this.sentSeq + 1) return false;
    if (this.mustClaim(entry)) return false;
    const sent = this.connection.send(this, entry);
    if (!sent) return false;
    if (sent.kind === 'message') {
      if (this.flight.size === 0) this.progressAtMs = nowMs;
      this.flight.add(sent.seq, sent.stored.bytes, nowMs, sent.stored.controls?.receipts !== undefined);
    }
    this.sentSeq = sent.seq;
    if (sent.kind === 'gap') this.connection.passGap(this);
    return true;
  }

  /** A message for one device: whose it is has to be asked before it is sent. */
  mustClaim(entry: Entry): boolean {
    if (entry.kind !== 'message' || entry.stored.controls?.deliverTo !== 'first-device') return false;
    // Taken by a device that will not get it, nobody would.
    if (isWithheld(entry.stored.controls, this.connection.key)) return false;
    return this.claimed?.has(entry.seq) !== true;
  }

  /** Forgets what is in flight, so that it is sent again. */
  rewind(): void {
    this.maxSentSeq = this.highestSeq;
    this.sentSeq = this.ackedSeq;
    this.since = undefined;
    this.notedSeq = 0;
    this.attempt += 1;
    this.isRepeating = this.isDurable;
  }

  /**
   * The device stands here, as another of its connections may have acknowledged meanwhile: that is not sent again.
   * What this connection was never sent still is, or its client would find a hole.
   */
  passRepeated(deviceSeq: number): void {
    this.isRepeating = false;
    const seq = Math.min(deviceSeq, this.highestSeq);
    if (seq <= this.ackedSeq) return;
    this.startAt(seq, undefined);
    this.attempt = 1;
  }
}
