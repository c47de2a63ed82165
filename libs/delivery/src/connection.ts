import { isWithheld, type Entry, type Recipient, type StoredMessage } from '#message-persistence';
import { ACK_CHANNELS_MAX, Fault, type Ack, type EventPayload, type GapReason } from '#protocol';
import type { AckBook } from './ack-book.js';
import type { DatabaseClock } from './database-clock.js';
import type { DeliveryMetrics } from './delivery-metrics.js';
import type { DeliveryTraces } from './delivery-traces.js';
import type { Outlet } from './outlet.js';
import { Packet } from './packet.js';
import type { Subscription, SubscriptionHost } from './subscription.js';
import { Window, type WindowLimits } from './window.js';

export type ConnectionKey = Recipient;

export interface ConnectionContext {
  readonly clock: DatabaseClock;
  readonly acks: AckBook;
  readonly windowLimits: WindowLimits;
  readonly metrics: DeliveryMetrics;
  /** Undefined: tracing is off. */
  readonly traces: DeliveryTraces | undefined;
  /** The root of the packets of this turn of the event loop. */
  readonly root: () => Packet;
  /** It has something to send at the end of this turn of the event loop. */
  readonly onSend: (connection: Connection) => void;
  /** It has messages in flight, or lags: somebody has to look after it. */
  readonly onBusy: (connection: Connection) => void;
  /** There may be room for another page. */
  readonly onRoom: (subscription: Subscription) => void;
}

/** One client on this instance: what it reads, what it was sent, what it acknowledged. */
export class Connection implements SubscriptionHost {
  readonly subscriptions = new Map<string, Subscription>();
  readonly window: Window;
  isReady = false;
  isClosed = false;
  /**
   * performance.now() when it last acknowledged something new. A client that still works through what it was sent, or
   * leaves one channel out of its acks, has not failed: it is alive, and what is sent on a connection arrives in order.
   */
  ackedAtMs = 0;
  /** Channels it reads no more, and how far it was sent each: an ack that is under way may name them. */
  private ended: Map<string, number> | undefined;
  /** Undefined while there is nothing to send, which is most of the time. */
  private outbox: (Packet | EventPayload<'gap'>)[] | undefined;

  constructor(
    readonly key: ConnectionKey,
    readonly outlet: Outlet,
    private readonly context: ConnectionContext,
  ) {
    this.window = new Window(context.windowLimits, outlet);
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
   * Puts an entry into the packet of this turn.
   * @returns what was sent, or undefined if the window is full or the entry has to be read again
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

  /** Hands the packet of this turn to the network; a gap stands between the packets around it. */
  flush(): void {
    const outbox = this.outbox ?? [];
    this.outbox = undefined;
    if (this.isClosed) return;
    for (const item of outbox) {
      if (item instanceof Packet) {
        this.context.metrics.deliveries.inc(item.size);
        this.outlet.messages(item);
      } else this.outlet.gap(item);
    }
  }

  /**
   * The client has processed each channel up to a seq. A channel that it reads no more is passed over.
   * @throws Fault NOT_SUBSCRIBED, ACK_BEYOND_SENT; then nothing of it counts
   */
  acknowledge(ack: Ack): void {
    const channels = Object.entries(ack);
    for (const [channel, seq] of channels) this.assertSent(channel, seq);
    for (const [channel, seq] of channels) {
      const subscription = this.subscriptions.get(channel);
      if (subscription && seq > subscription.ackedSeq && seq <= subscription.highestSeq) this.land(subscription, seq);
    }
    for (const subscription of this.subscriptions.values()) {
      if (subscription.state === 'lagging') this.context.onRoom(subscription);
    }
  }

  /** Stops reading the channel; what is in flight of it counts as not delivered. */
  end(subscription: Subscription, reason: string): void {
    const { name } = subscription.channel;
    this.failAttempt(subscription, 'disconnected', reason);
    this.subscriptions.delete(name);
    this.ended ??= new Map();
    const sentSeq = Math.max(subscription.highestSeq, this.ended.get(name) ?? 0);
    // Last in the map: as many as an ack may name are remembered, the latest.
    this.ended.delete(name);
    this.ended.set(name, sentSeq);
    if (this.ended.size > ACK_CHANNELS_MAX) this.ended.delete(this.ended.keys().next().value ?? '');
  }

  /** Goes on behind a message that this device will never get. */
  skip(channel: string, seq: number, reason: GapReason): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription?.ackedSeq !== seq - 1) return;
    subscription.ackedSeq = seq;
    subscription.sentSeq = Math.max(subscription.sentSeq, seq);
    this.context.metrics.skipped.inc(reason);
    this.outlet.gap({ channel, fromSeq: seq, toSeq: seq, reason, ack: { [channel]: seq } });
  }

  /** Ends the attempt: everything in flight of the subscription counts as not delivered. */
  failAttempt(subscription: Subscription, outcome: 'timeout' | 'disconnected', error: string): void {
    const { count, bytes, runs } = subscription.flight.land();
    this.window.release(count, bytes);
    for (const run of runs) this.context.acks.note(subscription, run, outcome, error);
    this.context.traces?.failed(subscription, outcome);
  }

  /** Writes down what is in flight and waited for, so that its status shows it before it is settled. */
  noteSent(subscription: Subscription): void {
    for (const run of subscription.flight.runs) {
      if (run.toSeq <= subscription.notedSeq) continue;
      const fromSeq = Math.max(run.fromSeq, subscription.notedSeq + 1);
      this.context.acks.note(subscription, { ...run, fromSeq }, 'sent', null);
    }
    subscription.notedSeq = subscription.sentSeq;
  }

  /** A gap with nothing unacknowledged before it needs no acknowledgement. */
  passGap(subscription: Subscription): void {
    if (subscription.flight.size > 0) return;
    subscription.ackedSeq = subscription.sentSeq;
    this.context.acks.acknowledge(subscription, subscription.sentSeq, []);
  }

  private assertSent(channel: string, seq: number): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription && seq <= subscription.highestSeq) return;
    const endedSeq = this.ended?.get(channel);
    if (endedSeq !== undefined && seq <= endedSeq) return;
    const sentSeq = subscription?.highestSeq ?? endedSeq;
    if (sentSeq === undefined) throw new Fault('NOT_SUBSCRIBED', `${channel}: not read on this connection`);
    throw new Fault('ACK_BEYOND_SENT', `${channel}: sent up to ${sentSeq}, not ${seq}`);
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
    const packet = (last instanceof Packet ? last : this.context.root()).with(channel, entry.stored);
    if (!this.outbox) this.outbox = [packet];
    else if (last instanceof Packet) this.outbox[this.outbox.length - 1] = packet;
    else this.outbox.push(packet);
  }

  private land(subscription: Subscription, seq: number): void {
    const { count, bytes, runs } = subscription.flight.land(seq);
    this.window.release(count, bytes);
    subscription.sentSeq = Math.max(subscription.sentSeq, seq);
    // What was sent behind the last message is a gap.
    subscription.ackedSeq = subscription.flight.size === 0 ? subscription.sentSeq : seq;
    this.context.acks.acknowledge(subscription, subscription.ackedSeq, runs);
    this.context.metrics.acks.inc(count);
    if (subscription.timedSeq !== 0 && seq >= subscription.timedSeq) this.noteTimed(subscription);
    this.context.traces?.acknowledged(subscription, seq, () => this.context.acks.saved());
    for (const claimed of subscription.claimed ?? []) if (claimed <= seq) subscription.claimed?.delete(claimed);
    this.ackedAtMs = performance.now();
    subscription.attempt = 1;
  }

  /** Begins to time a message; of those who catch up, the age of what they read says nothing. */
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
   * What a live subscription is handed may be older than the read of a page, of which the database has just said that it
   * has time left. Whether it has expired is the database's to say: the subscription falls behind, and reads it.
   */
  private seemsExpired({ state }: Subscription, { expiresAtMs }: StoredMessage): boolean {
    return expiresAtMs !== undefined && state === 'live' && expiresAtMs <= this.context.clock.now();
  }
}

function gapFor(seq: number, reason: GapReason): Entry {
  return { kind: 'gap', fromSeq: seq, seq, reason };
}
