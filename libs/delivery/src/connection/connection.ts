import type { Entry, Recipient } from '#message-persistence';
import { ACK_CHANNELS_MAX, ProtocolError, type Ack, type EventPayload, type GapReason } from '#protocol';
import type { ClientTransport } from './client-transport.port.js';
import { MessageBatch } from './message-batch.js';
import { SendWindow, type SendWindowLimits } from './send-window.js';
import type { SubscriptionContext, SubscriptionHost } from './subscription-host.port.js';
import type { Subscription } from './subscription.js';

export type ConnectionKey = Recipient;

export interface ConnectionContext extends SubscriptionContext {
  readonly windowLimits: SendWindowLimits;
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
  readonly window: SendWindow;
  private readonly read = new Map<string, Subscription>();
  private stage: 'opening' | 'ready' | 'closed' = 'opening';
  private lastAckMs = 0;
  /** Channels that are no longer read, and how far each was sent, because an ack under way may still name them. */
  private ended: Map<string, number> | undefined;
  /** The list is undefined while there is nothing to send, which is most of the time. */
  private outbox: (MessageBatch | EventPayload<'gap'>)[] | undefined;

  constructor(
    readonly key: ConnectionKey,
    readonly transport: ClientTransport,
    readonly context: ConnectionContext,
  ) {
    this.window = new SendWindow(context.windowLimits, transport);
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.read;
  }

  get isReady(): boolean {
    return this.stage === 'ready';
  }

  get isClosed(): boolean {
    return this.stage === 'closed';
  }

  /**
   * The time when the client last acknowledged something new, by performance.now(). A client that still works through
   * what it was sent, or leaves one channel out of its acks, has not failed: it is alive, and what is sent on a
   * connection arrives in order.
   */
  get ackedAtMs(): number {
    return this.lastAckMs;
  }

  get isBusy(): boolean {
    return !this.isClosed && (!this.window.isEmpty || this.isLagging);
  }

  get isLagging(): boolean {
    for (const { state } of this.read.values()) if (state === 'lagging') return true;
    return false;
  }

  isMemberOf(channel: string): boolean {
    return this.read.get(channel)?.isDurable === true;
  }

  add(subscription: Subscription): void {
    this.read.set(subscription.channel.name, subscription);
  }

  /** The positions of the client's channels are known. */
  becomeReady(): void {
    if (this.stage === 'opening') this.stage = 'ready';
  }

  /** The client is gone: everything that it was sent and has not acknowledged counts as not delivered. */
  close(reason: string): void {
    this.stage = 'closed';
    for (const subscription of this.read.values()) subscription.close(reason);
  }

  send(channel: string, entry: Entry): void {
    if (entry.kind === 'message') this.context.onBusy(this);
    if (!this.outbox) this.context.onSend(this);
    this.put(channel, entry);
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
    let isNew = false;
    for (const [channel, seq] of channels) if (this.read.get(channel)?.acknowledge(seq)) isNew = true;
    if (isNew) this.lastAckMs = performance.now();
    for (const subscription of this.read.values()) {
      if (subscription.state === 'lagging') this.context.onRoom(subscription);
    }
  }

  /** Stops reading the channel; its messages in flight count as not delivered. */
  end(subscription: Subscription, reason: string): void {
    const { name } = subscription.channel;
    subscription.close(reason);
    this.read.delete(name);
    this.ended ??= new Map();
    const sentSeq = Math.max(subscription.highestSeq, this.ended.get(name) ?? 0);
    // Deleting it first makes it the last in the map, which keeps the latest ones: as many as an ack may name.
    this.ended.delete(name);
    this.ended.set(name, sentSeq);
    if (this.ended.size > ACK_CHANNELS_MAX) this.ended.delete(this.ended.keys().next().value ?? '');
  }

  /** Goes on after a message that this device will never get, if that is the next one to acknowledge. */
  passOver(channel: string, seq: number, reason: GapReason): void {
    if (!this.read.get(channel)?.passOver(seq)) return;
    this.context.metrics.skipped.inc(reason);
    this.transport.gap({ channel, fromSeq: seq, toSeq: seq, reason, ack: { [channel]: seq } });
  }

  private assertSent(channel: string, seq: number): void {
    const subscription = this.read.get(channel);
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
}
