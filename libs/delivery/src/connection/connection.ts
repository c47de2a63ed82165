import { isWithheld, type Entry, type Recipient, type StoredMessage } from '#message-persistence';
import { ACK_CHANNELS_MAX, ProtocolError, type Ack, type EventPayload, type GapReason } from '#protocol';
import type { AckBuffer } from '../acks/ack-buffer.js';
import type { ClientTransport } from './client-transport.port.js';
import type { DatabaseClock } from '../database-clock.js';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import type { DeliveryTraces } from '../delivery-traces.js';
import { MessageBatch } from './message-batch.js';
import { SendWindow, type SendWindowLimits } from './send-window.js';
import type { Subscription, SubscriptionHost } from './subscription.js';

export type ConnectionKey = Recipient;

export interface ConnectionContext {
  readonly clock: DatabaseClock;
  readonly acks: AckBuffer;
  readonly windowLimits: SendWindowLimits;
  readonly metrics: DeliveryMetrics;
  /** Tracing is off if this is undefined. */
  readonly traces: DeliveryTraces | undefined;
  /** Returns the root of the message batches of this turn of the event loop. */
  readonly root: () => MessageBatch;
  /** Called when a connection first has something to send at the end of this turn of the event loop. */
  readonly onSend: (connection: Connection) => void;
  /** Called when a connection has messages in flight or lags, so that redelivery has to look after it. */
  readonly onBusy: (connection: Connection) => void;
  /** Called when there may be room for another page of the subscription. */
  readonly onRoom: (subscription: Subscription) => void;
}

/**
 * A connection is one client on this instance. It knows what the client reads, what it was sent and what it has
 * acknowledged.
 */
export class Connection implements SubscriptionHost {
  readonly subscriptions = new Map<string, Subscription>();
  readonly window: SendWindow;
  isReady = false;
  isClosed = false;
  /**
   * The time when the client last acknowledged something new, by performance.now(). A client that still works through
   * what it was sent, or leaves one channel out of its acks, has not failed: it is alive, and what is sent on a
   * connection arrives in order.
   */
  ackedAtMs = 0;
  /** Channels that are no longer read, and how far each was sent, because an ack under way may still name them. */
  private ended: Map<string, number> | undefined;
  /** The list is undefined while there is nothing to send, which is most of the time. */
  private outbox: (MessageBatch | EventPayload<'gap'>)[] | undefined;

  constructor(
    readonly key: ConnectionKey,
    readonly transport: ClientTransport,
    private readonly context: ConnectionContext,
  ) {
    this.window = new SendWindow(context.windowLimits, transport);
  }

  get isBusy(): boolean {
    return !this.isClosed && (!this.window.isEmpty || this.isLagging);
  }

  get isLagging(): boolean {
    for (const { state } of this.subscriptions.values()) if (state === 'lagging') return true;
    return false;
  }

  isMemberOf(channel: string): boolean {
    return this.subscriptions.get(channel)?.isDurable === true;
  }

  /**
   * Adds an entry to what leaves at the end of this turn.
   * @returns the entry as it is sent, or undefined if the window is full or the entry has to be read again
   */
  send(subscription: Subscription, entry: Entry): Entry | undefined {
    const due = this.due(entry);
    if (due.kind === 'message') {
      if (!this.window.hasRoomFor(due.stored.bytes) || this.seemsExpired(subscription, due.stored)) return undefined;
      this.window.take(due.stored.bytes);
      this.context.onBusy(this);
      if (subscription.timedSeq === 0) this.time(subscription, due.stored);
      this.context.traces?.sent(subscription, due.stored);
    }
    if (!this.outbox) this.context.onSend(this);
    this.put(subscription.channel.name, due);
    return due;
  }

  noteLagging(subscription: Subscription): void {
    this.context.onBusy(this);
    this.context.onRoom(subscription);
  }

  /** Hands what this turn has collected to the transport. A gap is sent between the message batches around it. */
  flush(): void {
    const outbox = this.outbox ?? [];
    this.outbox = undefined;
    if (this.isClosed) return;
    for (const item of outbox) {
      if (item instanceof MessageBatch) {
        this.context.metrics.deliveries.inc(item.size);
        this.transport.messages(item);
      } else this.transport.gap(item);
    }
  }

  /**
   * Takes note that the client has processed each channel up to a seq. A channel that is no longer read is passed over.
   * @throws ProtocolError NOT_SUBSCRIBED, ACK_BEYOND_SENT; in that case no part of the acknowledgement counts
   */
  acknowledge(ack: Ack): void {
    const channels = Object.entries(ack);
    for (const [channel, seq] of channels) this.assertSent(channel, seq);
    for (const [channel, seq] of channels) {
      const subscription = this.subscriptions.get(channel);
      if (subscription && seq > subscription.ackedSeq && seq <= subscription.highestSeq)
        this.settleUpTo(subscription, seq);
    }
    for (const subscription of this.subscriptions.values()) {
      if (subscription.state === 'lagging') this.context.onRoom(subscription);
    }
  }

  /** Stops reading the channel; its messages in flight count as not delivered. */
  end(subscription: Subscription, reason: string): void {
    const { name } = subscription.channel;
    this.failAttempt(subscription, 'disconnected', reason);
    this.subscriptions.delete(name);
    this.ended ??= new Map();
    const sentSeq = Math.max(subscription.highestSeq, this.ended.get(name) ?? 0);
    // Deleting it first makes it the last in the map, which keeps the latest ones: as many as an ack may name.
    this.ended.delete(name);
    this.ended.set(name, sentSeq);
    if (this.ended.size > ACK_CHANNELS_MAX) this.ended.delete(this.ended.keys().next().value ?? '');
  }

  /** Goes on after a message that this device will never get, if that is the next one to acknowledge. */
  passOver(channel: string, seq: number, reason: GapReason): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription?.ackedSeq !== seq - 1) return;
    subscription.ackedSeq = seq;
    subscription.sentSeq = Math.max(subscription.sentSeq, seq);
    this.context.metrics.skipped.inc(reason);
    this.transport.gap({ channel, fromSeq: seq, toSeq: seq, reason, ack: { [channel]: seq } });
  }

  /** Ends the current attempt of the subscription: everything that it has in flight counts as not delivered. */
  failAttempt(subscription: Subscription, outcome: 'timeout' | 'disconnected', error: string): void {
    const { count, bytes, ranges } = subscription.inFlight.settleUpTo();
    this.window.release(count, bytes);
    for (const range of ranges) this.context.acks.note(subscription, range, outcome, error);
    this.context.traces?.failed(subscription, outcome);
  }

  /** Records what is in flight as sent, so that the status of these messages shows it before they are settled. */
  noteSent(subscription: Subscription): void {
    for (const range of subscription.inFlight.ranges) {
      if (range.toSeq <= subscription.notedSeq) continue;
      const fromSeq = Math.max(range.fromSeq, subscription.notedSeq + 1);
      this.context.acks.note(subscription, { ...range, fromSeq }, 'sent', null);
    }
    subscription.notedSeq = subscription.sentSeq;
  }

  /** A gap is acknowledged here for the client if nothing before it waits for an acknowledgement. */
  passGap(subscription: Subscription): void {
    if (subscription.inFlight.size > 0) return;
    subscription.ackedSeq = subscription.sentSeq;
    this.context.acks.acknowledge(subscription, subscription.sentSeq, []);
  }

  private assertSent(channel: string, seq: number): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription && seq <= subscription.highestSeq) return;
    const endedSeq = this.ended?.get(channel);
    if (endedSeq !== undefined && seq <= endedSeq) return;
    const sentSeq = subscription?.highestSeq ?? endedSeq;
    if (sentSeq === undefined) throw new ProtocolError('NOT_SUBSCRIBED', `${channel}: not read on this connection`);
    throw new ProtocolError('ACK_BEYOND_SENT', `${channel}: sent up to ${sentSeq}, not ${seq}`);
  }

  private put(channel: string, entry: Entry): void {
    if (entry.kind === 'gap') {
      const { fromSeq, seq, reason } = entry;
      this.context.metrics.skipped.inc(reason, seq - fromSeq + 1);
      const gap = { channel, fromSeq, toSeq: seq, reason, ack: { [channel]: seq } };
      if (this.outbox) this.outbox.push(gap);
      else this.outbox = [gap];
      return;
    }
    const last = this.outbox?.at(-1);
    const batch = (last instanceof MessageBatch ? last : this.context.root()).with(channel, entry.stored);
    if (!this.outbox) this.outbox = [batch];
    else if (last instanceof MessageBatch) this.outbox[this.outbox.length - 1] = batch;
    else this.outbox.push(batch);
  }

  private settleUpTo(subscription: Subscription, seq: number): void {
    const { count, bytes, ranges } = subscription.inFlight.settleUpTo(seq);
    this.window.release(count, bytes);
    subscription.sentSeq = Math.max(subscription.sentSeq, seq);
    // If nothing is in flight, all that was sent after this seq is a gap, which needs no acknowledgement.
    subscription.ackedSeq = subscription.inFlight.size === 0 ? subscription.sentSeq : seq;
    this.context.acks.acknowledge(subscription, subscription.ackedSeq, ranges);
    this.context.metrics.acks.inc(count);
    if (subscription.timedSeq !== 0 && seq >= subscription.timedSeq) this.noteTimed(subscription);
    this.context.traces?.acknowledged(subscription, seq, () => this.context.acks.saved());
    for (const claimed of subscription.claimed ?? []) if (claimed <= seq) subscription.claimed?.delete(claimed);
    this.ackedAtMs = performance.now();
    subscription.attempt = 1;
  }

  /**
   * Begins to time a message until it is acknowledged. Only live subscriptions are timed: while one catches up, the age
   * of what it reads says nothing.
   */
  private time(subscription: Subscription, { seq, createdAtMs }: StoredMessage): void {
    const { metrics, clock } = this.context;
    if (!metrics.isOn || subscription.state !== 'live') return;
    subscription.timedSeq = seq;
    subscription.timedSinceMs = performance.now() - Math.max(0, clock.now() - createdAtMs);
  }

  private noteTimed(subscription: Subscription): void {
    this.context.metrics.commitToAck.observe((performance.now() - subscription.timedSinceMs) / 1_000);
    subscription.timedSeq = 0;
  }

  private due(entry: Entry): Entry {
    if (entry.kind === 'gap') return entry;
    const { controls } = entry.stored;
    if (controls !== null && isWithheld(controls, this.key)) return gapFor(entry.seq, 'withheld');
    return entry;
  }

  /**
   * Returns true if a message that was pushed to a live subscription seems to have expired. Only the database can say
   * so, hence the subscription falls behind and reads the message. What a page holds needs no such look, because the
   * database has just said that it has time left.
   */
  private seemsExpired({ state }: Subscription, { expiresAtMs }: StoredMessage): boolean {
    return expiresAtMs !== undefined && state === 'live' && expiresAtMs <= this.context.clock.now();
  }
}

function gapFor(seq: number, reason: GapReason): Entry {
  return { kind: 'gap', fromSeq: seq, seq, reason };
}
