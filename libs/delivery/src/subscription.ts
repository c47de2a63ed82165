import { isWithheld, type Entry } from '#message-persistence';
import type { Connection } from './connection.js';
import { Flight } from './flight.js';
import type { LiveChannel } from './live-channel.js';

/**
 * `opening`: its position is not known yet · `live`: the feed pushes to it ·
 * `lagging`: it reads pages from the table, at the pace of its acknowledgements, until it has caught up · `closed`.
 */
export type SubscriptionState = 'opening' | 'live' | 'lagging' | 'closed';

/** One channel read by one connection: how far it was sent, how far it was acknowledged. */
export class Subscription {
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
    readonly connection: Connection,
    readonly channel: LiveChannel,
    /** A membership or inbox, whose position is kept; a mere `subscribe` becomes one when its user joins. */
    public isDurable: boolean,
  ) {}

  /** The highest seq ever sent on this connection: nothing beyond it may be acknowledged. */
  get highestSeq(): number {
    return Math.max(this.maxSentSeq, this.sentSeq);
  }

  startAt(seq: number, since: Date | undefined): void {
    this.sentSeq = seq;
    this.ackedSeq = seq;
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
