import type { Settings } from '#config';
import type { Notifier, Registry } from '#connection-manager';
import type { Cursors, Death, Devices, Groups, MessageLog, Outbox } from '#message-persistence';
import { NO_METER, type Meter, type Tracing } from '#observability';
import { userOf, type BodyLimits } from '#protocol';
import { AckBuffer } from './acks/ack-buffer.js';
import { CatchUp } from './connection/catch-up.js';
import type { ConnectionContext } from './connection/connection.js';
import { FlushQueue } from './connection/flush-queue.js';
import { MembershipSync } from './connection/membership-sync.js';
import { OpenConnections } from './connection/open-connections.js';
import { Redelivery } from './connection/redelivery.js';
import { Subscriptions } from './connection/subscriptions.js';
import { DatabaseClock } from './database-clock.js';
import { DeliveryMetrics, showState } from './delivery-metrics.js';
import { DeliveryTraces } from './delivery-traces.js';
import { FallbackPoll } from './live/fallback-poll.js';
import { Feed } from './live/feed.js';
import { OutboxRelay } from './publish/outbox-relay.js';
import { Publisher } from './publish/publisher.js';
import { ReaderWake } from './publish/reader-wake.js';
import { MemberRights } from './rights/member-rights.js';

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

/** The parts that move messages on one instance, tied together; {@link Delivery} is what the rest of the program sees. */
export class DeliveryParts {
  readonly clock = new DatabaseClock();
  readonly connections = new OpenConnections();
  readonly metrics: DeliveryMetrics;
  readonly feed: Feed;
  readonly publisher: Publisher;
  readonly subscriptions: Subscriptions;
  readonly memberRights: MemberRights;
  readonly membershipSync: MembershipSync;
  readonly readerWake: ReaderWake;
  readonly acks: AckBuffer;
  readonly redelivery: Redelivery;
  readonly fallbackPoll: FallbackPoll;
  readonly outboxRelay: OutboxRelay;
  readonly flushQueue: FlushQueue;
  /** All connections share this one context. */
  readonly connectionContext: ConnectionContext;
  private readonly catchUp: CatchUp;
  private readonly traces: DeliveryTraces | undefined;

  constructor(private readonly options: DeliveryDependencies) {
    const { settings, registry, onError, tracing, meter = NO_METER } = options;
    const { log } = options;
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
    const { clock, feed, readerWake, metrics, traces } = this;
    const { log, outbox, bodyLimits, settings } = this.options;
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
