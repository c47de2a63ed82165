import type { Settings } from '#config';
import type { ConnectionEntry, Notifier, Registry } from '#connection-manager';
import type { Cursors, Death, Devices, Groups, MessageLog, Outbox } from '#message-persistence';
import { NO_METER, type Meter, type Tracing } from '#observability';
import { inboxOf, ProtocolError, userOf, type Ack, type BodyLimits } from '#protocol';
import { AckBuffer } from './acks/ack-buffer.js';
import { Redelivery } from './connection/redelivery.js';
import { FallbackPoll } from './live/fallback-poll.js';
import { CatchUp } from './connection/catch-up.js';
import { Connection, type ConnectionContext } from './connection/connection.js';
import { DatabaseClock } from './database-clock.js';
import { DeliveryMetrics, showState } from './delivery-metrics.js';
import { DeliveryTraces } from './delivery-traces.js';
import { Feed } from './live/feed.js';
import { MemberRights } from './rights/member-rights.js';
import { MembershipSync } from './connection/membership-sync.js';
import { openDevice } from './connection/open-device.js';
import { OpenConnections } from './connection/open-connections.js';
import { OutboxRelay } from './publish/outbox-relay.js';
import type { ClientTransport } from './connection/client-transport.port.js';
import { Publisher } from './publish/publisher.js';
import { Subscriptions } from './connection/subscriptions.js';
import { FlushQueue } from './connection/flush-queue.js';
import { ReaderWake } from './publish/reader-wake.js';

export interface DeliveryDependencies {
  readonly settings: Settings['delivery'];
  readonly bodyLimits: BodyLimits;
  readonly log: MessageLog;
  readonly devices: Devices;
  readonly groups: Groups;
  readonly cursors: Cursors;
  readonly outbox: Outbox;
  readonly registry: Registry;
  readonly notifier: Notifier;
  readonly instanceId: string;
  /** Returns false while peers may have removed this instance; what is due is then held back. */
  readonly maySend: () => boolean;
  readonly onError: (what: string, error: unknown) => void;
  readonly meter?: Meter;
  /** Tracing is off if this is undefined. */
  readonly tracing?: Tracing | undefined;
}

export interface Opening {
  /** The connection and the registry both keep this very object; neither copies it. */
  readonly key: ConnectionEntry;
  readonly transport: ClientTransport;
  readonly resume: Ack;
}

/** A health check judges whether the feed keeps up by at most this many channels. */
const SAMPLE = 200;

/** Delivery moves messages between the stored log and the connections of this instance. */
export class Delivery {
  readonly clock = new DatabaseClock();
  readonly log: MessageLog;
  readonly feed: Feed;
  readonly publisher: Publisher;
  readonly subscriptions: Subscriptions;
  readonly memberRights: MemberRights;
  private readonly connections = new OpenConnections();
  private readonly readerWake: ReaderWake;
  private readonly acks: AckBuffer;
  private readonly redelivery: Redelivery;
  private readonly fallbackPoll: FallbackPoll;
  private readonly membershipSync: MembershipSync;
  private readonly catchUp: CatchUp;
  private readonly outboxRelay: OutboxRelay;
  /** All connections share this one context. */
  private readonly connectionContext: ConnectionContext;
  private readonly flushQueue: FlushQueue;
  private readonly metrics: DeliveryMetrics;
  private readonly traces: DeliveryTraces | undefined;

  constructor(private readonly options: DeliveryDependencies) {
    const { settings, registry, onError, tracing, meter = NO_METER } = options;
    const log = (this.log = options.log);
    const metrics = (this.metrics = new DeliveryMetrics(meter));
    this.traces = tracing && new DeliveryTraces(tracing);
    const report = (what: string) => (error: unknown) => onError(what, error);
    this.acks = new AckBuffer(
      options.cursors,
      settings.ackFlushMs,
      (death) => this.giveUp(death),
      report('acknowledgements not written, trying again'),
    );
    this.feed = new Feed({
      log,
      clock: this.clock,
      onRoute: (channel, isOpen) => (isOpen ? registry.openRoute(channel) : registry.closeRoute(channel)),
      onEpoch: ({ name }) => void this.membershipSync.refresh(userOf(name) ?? ''),
      onError: report('live read failed, the poll repeats it'),
      metrics,
      onDelivery: (publishedAtMs) => this.flushQueue.observeDelivery(publishedAtMs),
    });
    this.readerWake = this.makeReaderWake();
    this.catchUp = new CatchUp(log, options.devices, this.feed, report('page not read, trying again'));
    this.redelivery = this.makeRedelivery();
    this.fallbackPoll = this.makeFallbackPoll();
    this.subscriptions = new Subscriptions({
      feed: this.feed,
      registry,
      devices: options.devices,
      maxChannels: settings.maxChannels,
      onError: report('registry not written, trying again'),
    });
    this.membershipSync = new MembershipSync({
      groups: options.groups,
      feed: this.feed,
      connections: this.connections,
      subscriptions: this.subscriptions,
      onError: report('memberships not refreshed, the poll repeats it'),
    });
    this.memberRights = new MemberRights(options.groups, log, this.membershipSync, settings);
    this.flushQueue = this.makeFlushQueue();
    this.connectionContext = this.makeConnectionContext();
    this.publisher = this.makePublisher();
    this.outboxRelay = this.makeOutboxRelay();
    this.heed(options.notifier);
    const { redelivery, feed } = this;
    showState(meter, () => ({ waiting: log.waiting, liveChannels: feed.size, ...redelivery.load }));
  }

  start(): void {
    this.redelivery.start();
    this.fallbackPoll.start();
    this.outboxRelay.start();
  }

  /** Stops the timers and writes what is still in memory; all connections have to be closed by then. */
  async stop(): Promise<void> {
    this.redelivery.stop();
    await this.outboxRelay.stop();
    await this.fallbackPoll.stop();
    await this.options.log.drain();
    await this.readerWake.drain();
    await this.acks.flush();
  }

  /**
   * Registers a client and starts its channels at the cursors of its device. `ready` is sent once the routes of the
   * client are committed, because from then on every publish reaches it. The caller has to close the connection, even
   * if this fails.
   */
  async open({ key, transport, resume }: Opening, onConnection: (connection: Connection) => void): Promise<void> {
    const { devices, registry, instanceId } = this.options;
    const { channels, epoch } = await openDevice(key, devices, registry);
    const connection = new Connection(key, transport, this.connectionContext);
    onConnection(connection);
    if (connection.isClosed) return;
    this.connections.add(connection);
    registry.addConnection(key);
    const attaching = this.subscriptions.attach(connection, channels, true);
    const inbox = this.feed.find(inboxOf(key.user));
    if (inbox?.readerCount === 1) inbox.noteEpoch(epoch);
    const positions = await attaching;
    if (connection.isClosed) return;
    connection.becomeReady();
    for (const position of positions) {
      connection.subscriptions.get(position.channel)?.resume(position, resume[position.channel] ?? 0);
    }
    transport.ready({
      user: key.user,
      deviceId: key.deviceId,
      connectionId: key.connectionId,
      instanceId,
      channels: [...connection.subscriptions.values()].map(({ channel, ackedSeq }) => ({
        channel: channel.name,
        seq: ackedSeq,
        lastSeq: positions.find((position) => position.channel === channel.name)?.lastSeq ?? ackedSeq,
      })),
    });
    for (const position of positions) this.subscriptions.begin(connection, position);
    const isStale = positions.some((position) => position.channel === inbox?.name && position.epoch !== epoch);
    if (isStale || inbox?.epoch !== epoch) void this.membershipSync.refresh(key.user);
  }

  close(connection: Connection, reason: string): void {
    if (connection.isClosed) return;
    connection.close(reason);
    for (const subscription of connection.subscriptions.values()) this.feed.detach(subscription);
    this.connections.remove(connection);
    this.options.registry.removeConnection(connection.key.connectionId);
    this.subscriptions.syncRegistry();
    this.options.devices
      .leave(connection.key)
      .catch((error: unknown) => this.options.onError('device not noted as left', error));
    void this.acks.flush();
  }

  /** The acknowledgement takes effect at once; the promise resolves when it is stored. */
  acknowledge(connection: Connection, ack: Ack): Promise<void> {
    connection.acknowledge(ack);
    return this.acks.saved();
  }

  /** Stores what was acknowledged up to now, without waiting for the next flush. */
  saveAcknowledged(): Promise<void> {
    return this.acks.flush();
  }

  /** Marks each channel as read up to a seq, and acknowledges it; the promise resolves when both are stored. */
  async read(connection: Connection, positions: Ack): Promise<void> {
    await this.acknowledge(connection, positions);
    await this.options.cursors.read(connection.key, positions);
  }

  /**
   * Makes the user a member of a group.
   * @returns the seq after which the membership begins
   * @throws ProtocolError LIMIT_REACHED if the user joins by itself and is in as many groups as it may be
   */
  async join(user: string, channel: string, isByUser = false): Promise<number> {
    const seq = await this.options.groups.join({ user, channel }, isByUser);
    await this.membershipSync.refresh(user);
    this.readerWake.add(inboxOf(user));
    return seq;
  }

  async leave(user: string, channel: string): Promise<void> {
    const wasMember = await this.options.groups.leave({ user, channel });
    if (!wasMember) throw new ProtocolError('NOT_FOUND', `${channel}: ${user} is no member`);
    await this.membershipSync.refresh(user);
    this.readerWake.add(inboxOf(user));
  }

  /** Sends what was held back, once the lease has turned out to be held. */
  sendHeldBack(): void {
    this.flushQueue.sendHeldBack();
  }

  /**
   * Milliseconds that the oldest unread message of some live channels has waited since it was stored; 0 means none
   * waits.
   */
  oldestUnreadMs(): Promise<number> {
    return this.log.oldestUnreadMs(this.feed.sample(SAMPLE));
  }

  /** Reads what hints tell of, and finds by polls what they do not. */
  private heed(notifier: Notifier): void {
    const { feed, fallbackPoll, metrics } = this;
    notifier.on('channels', (channels) => {
      metrics.hintsReceived.inc();
      feed.hint(channels);
    });
    notifier.on('listening', () => {
      feed.poll(Infinity).catch((error: unknown) => this.options.onError('poll failed', error));
    });
    notifier.on('lost', () => fallbackPoll.hurry());
  }

  private makeFallbackPoll(): FallbackPoll {
    const { settings, notifier, onError } = this.options;
    const { feed } = this;
    return new FallbackPoll({ feed, notifier, ...settings, onError: (error) => onError('poll failed', error) });
  }

  private makeRedelivery(): Redelivery {
    const { catchUp, metrics } = this;
    const { settings, onError } = this.options;
    return new Redelivery({
      ...settings,
      metrics,
      catchUp: (lagging) => void catchUp.run(lagging),
      onError: (error) => onError('a connection was not looked after', error),
    });
  }

  private makeReaderWake(): ReaderWake {
    const { notifier, tracing, onError } = this.options;
    return new ReaderWake({
      notifier,
      onError: (error) => onError('hint not sent, the others poll', error),
      metrics: this.metrics,
      tracing,
    });
  }

  private makePublisher(): Publisher {
    const { clock, feed, readerWake, log, metrics, traces } = this;
    const { outbox, bodyLimits, settings } = this.options;
    const { defaultTtlMs } = settings;
    const rules = { bodyLimits, defaultTtlMs };
    return new Publisher({ log, outbox, feed, readerWake, clock, metrics, traces, rules });
  }

  private makeFlushQueue(): FlushQueue {
    const { publishToDeliver } = this.metrics;
    const { maySend, onError } = this.options;
    return new FlushQueue(
      maySend,
      (publishedAtMs) => publishToDeliver.observe((performance.now() - publishedAtMs) / 1_000),
      (error) => onError('batch not sent, it is repeated', error),
    );
  }

  private makeConnectionContext(): ConnectionContext {
    const { windowMessages, windowBytes } = this.options.settings;
    return {
      clock: this.clock,
      acks: this.acks,
      windowLimits: { messages: windowMessages, bytes: windowBytes },
      metrics: this.metrics,
      traces: this.traces,
      root: () => this.flushQueue.root,
      onSend: (sender) => this.flushQueue.add(sender),
      onBusy: (busy) => this.redelivery.watch(busy),
      onRoom: (subscription) => void this.catchUp.run(subscription),
    };
  }

  private makeOutboxRelay(): OutboxRelay {
    const { outbox, settings, onError } = this.options;
    return new OutboxRelay({
      outbox,
      feed: this.feed,
      readerWake: this.readerWake,
      metrics: this.metrics,
      pollMs: settings.outboxPollMs,
      onError: (error) => onError('outbox not drained, trying again', error),
      onPutAside: (error) => onError('a message of the outbox was put aside', error),
    });
  }

  /** A message was given up for a device, so the connections of that device go on after it. */
  private giveUp({ user, deviceId, channel, seq }: Death): void {
    this.metrics.deadLetters.inc();
    for (const connection of this.connections.of(user)) {
      if (connection.key.deviceId === deviceId) connection.passOver(channel, seq, 'dead');
    }
  }
}
