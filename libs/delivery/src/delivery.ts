import type { Peers, Registry } from '#connection-manager';
import type { Death, Devices, Groups, MessageLog, Outbox, Position, Settlements } from '#message-persistence';
import { channelKind, Fault, inboxOf, type Ack, type BodyLimits, type ChannelKind } from '#protocol';
import { AckBook } from './ack-book.js';
import { Attempts } from './attempts.js';
import { Backstop } from './backstop.js';
import { CatchUp } from './catch-up.js';
import { Connection, type ConnectionKey } from './connection.js';
import { DatabaseClock } from './database-clock.js';
import { Feed } from './feed.js';
import { Memberships } from './memberships.js';
import { OutboxDrainer } from './outbox-drainer.js';
import type { Outlet } from './outlet.js';
import { Publisher } from './publisher.js';
import { Subscription } from './subscription.js';
import { Waker } from './waker.js';

export interface DeliverySettings {
  readonly maxChannels: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly ackTimeoutMs: number;
  readonly ackFlushMs: number;
  readonly maxAttempts: number;
  readonly pollMs: number;
  readonly outboxPollMs: number;
  readonly isNotifyOn: boolean;
  /** Milliseconds for messages without ttlMs; 0: none. */
  readonly defaultTtlMs: Readonly<Record<ChannelKind, number>>;
}

export interface DeliveryOptions {
  readonly settings: DeliverySettings;
  readonly bodyLimits: BodyLimits;
  readonly log: MessageLog;
  readonly devices: Devices;
  readonly groups: Groups;
  readonly settlements: Settlements;
  readonly outbox: Outbox;
  readonly registry: Registry;
  readonly peers: Peers;
  readonly instanceId: string;
  readonly hasPeers: () => boolean;
  readonly isListening: () => boolean;
  readonly onError: (what: string, error: unknown) => void;
}

export interface Opening {
  readonly key: ConnectionKey;
  readonly outlet: Outlet;
  readonly address: string | null;
  readonly resume: Ack;
}

/** Everything between the stored log and the connections of this instance. */
export class Delivery {
  readonly clock = new DatabaseClock();
  readonly log: MessageLog;
  readonly feed: Feed;
  readonly publisher: Publisher;
  private readonly connections = new Map<string, Connection>();
  private readonly byUser = new Map<string, Set<Connection>>();
  private readonly waker: Waker;
  private readonly acks: AckBook;
  private readonly attempts: Attempts;
  private readonly backstop: Backstop;
  private readonly memberships: Memberships;
  private readonly catchUp: CatchUp;
  private readonly drainer: OutboxDrainer;
  private sending: Connection[] = [];

  constructor(private readonly options: DeliveryOptions) {
    const { settings, peers, registry, onError } = options;
    const log = (this.log = options.log);
    const report = (what: string) => (error: unknown) => onError(what, error);
    this.acks = new AckBook(
      options.settlements,
      settings.ackFlushMs,
      (death) => this.bury(death),
      report('acknowledgements not written, trying again'),
    );
    this.feed = new Feed({
      log,
      clock: this.clock,
      onRoute: (channel, isOpen) => (isOpen ? registry.openRoute(channel) : registry.closeRoute(channel)),
      onEpoch: ({ name }) => void this.memberships.refresh(name.slice('user:'.length)),
      onError: report('live read failed, the poll repeats it'),
    });
    this.waker = new Waker({
      peers,
      isNeeded: () => settings.isNotifyOn && options.hasPeers(),
      onError: report('hint not sent, the others poll'),
    });
    this.catchUp = new CatchUp(log, this.feed, report('page not read, trying again'));
    this.attempts = new Attempts({ ...settings, catchUp: (subscription) => void this.catchUp.run(subscription) });
    this.backstop = new Backstop({
      feed: this.feed,
      ...settings,
      isListening: options.isListening,
      onError: report('poll failed'),
    });
    this.memberships = new Memberships({
      groups: options.groups,
      feed: this.feed,
      connectionsOf: (user) => this.byUser.get(user) ?? [],
      attach: async (connection, channels) => this.addGroups(connection, channels),
      detach: (connection, channel) => this.detach(connection, channel),
      onError: report('memberships not refreshed, the poll repeats it'),
    });
    const { clock, feed, waker } = this;
    const { outbox, bodyLimits } = options;
    const { defaultTtlMs, outboxPollMs } = settings;
    this.publisher = new Publisher({ log, outbox, feed, waker, clock, bodyLimits, defaultTtlMs });
    this.drainer = new OutboxDrainer({
      outbox,
      feed,
      waker,
      pollMs: outboxPollMs,
      onError: report('outbox not drained, trying again'),
    });
  }

  start(): void {
    this.attempts.start();
    this.backstop.start();
    this.drainer.start();
  }

  /** Connections are closed by then; writes down what is left. */
  async stop(): Promise<void> {
    this.attempts.stop();
    await this.drainer.stop();
    await this.backstop.stop();
    await this.options.log.drain();
    await this.waker.drain();
    await this.acks.flush();
  }

  /**
   * Registers a client and starts its channels where its device stands. `ready` goes out once its routes are committed:
   * from then on nothing published can pass it by. The caller closes it, also if this fails.
   */
  async open({ key, outlet, address, resume }: Opening, onConnection: (connection: Connection) => void): Promise<void> {
    const { devices, registry, instanceId } = this.options;
    const { channels, epoch } = await devices.open(key);
    const connection = this.makeConnection(key, outlet);
    onConnection(connection);
    if (connection.isClosed) return;
    registry.addConnection({ ...key, address });
    const attaching = this.attach(connection, channels, true);
    const inbox = this.feed.find(inboxOf(key.user));
    if (inbox?.subscriptions.size === 1) inbox.epoch = epoch;
    const positions = await attaching;
    if (connection.isClosed) return;
    connection.isReady = true;
    for (const position of positions) this.resume(connection, position, resume[position.channel] ?? 0);
    outlet.ready({
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
    for (const position of positions) this.begin(connection, position);
    const isStale = positions.some((position) => position.channel === inbox?.name && position.epoch !== epoch);
    if (isStale || inbox?.epoch !== epoch) void this.memberships.refresh(key.user);
  }

  close(connection: Connection, reason: string): void {
    if (connection.isClosed) return;
    connection.isClosed = true;
    for (const subscription of connection.subscriptions.values()) {
      connection.failAttempt(subscription, 'disconnected', reason);
      this.feed.detach(subscription);
    }
    this.connections.delete(connection.key.connectionId);
    const others = this.byUser.get(connection.key.user);
    others?.delete(connection);
    if (others?.size === 0) this.byUser.delete(connection.key.user);
    this.options.registry.removeConnection(connection.key.connectionId);
    this.syncRegistry();
    this.options.devices
      .leave(connection.key)
      .catch((error: unknown) => this.options.onError('device not noted as left', error));
    void this.acks.flush();
  }

  /** Applies at once; the promise resolves when it is stored. */
  acknowledge(connection: Connection, ack: Ack): Promise<void> {
    connection.acknowledge(ack);
    return this.acks.saved();
  }

  /** Writes down at once what was acknowledged up to now. */
  saveAcknowledged(): Promise<void> {
    return this.acks.flush();
  }

  /** The user has read up to a seq: acknowledges it too. Resolves when it is stored. */
  async read(connection: Connection, positions: Ack): Promise<void> {
    await this.acknowledge(connection, positions);
    await this.options.settlements.read(connection.key, positions);
  }

  /** Reads a channel without membership, from behind `sinceSeq` or from now on. */
  async subscribe(
    connection: Connection,
    channel: string,
    sinceSeq?: number,
  ): Promise<{ seq: number; lastSeq: number }> {
    const known = connection.subscriptions.get(channel);
    if (known) return { seq: known.sentSeq, lastSeq: Math.max(known.sentSeq, known.channel.position ?? 0) };
    const [position] = await this.attach(connection, [channel], false);
    if (!position) throw new Fault('NOT_SUBSCRIBED', `${channel}: the connection closed meanwhile`);
    const seq = Math.min(sinceSeq ?? position.lastSeq, position.lastSeq);
    // A subscriber's own past means nothing here: it starts where it says.
    this.begin(connection, { ...position, seq });
    return { seq, lastSeq: position.lastSeq };
  }

  unsubscribe(connection: Connection, channel: string): void {
    const known = connection.subscriptions.get(channel);
    if (!known) throw new Fault('NOT_SUBSCRIBED', `${channel}: not read on this connection`);
    if (known.isDurable) throw new Fault('BAD_REQUEST', `${channel}: comes with the user; leave the group instead`);
    this.detach(connection, channel);
  }

  /** @returns the seq behind which the membership begins */
  async join(user: string, channel: string): Promise<number> {
    const seq = await this.options.groups.join({ user, channel });
    await this.memberships.refresh(user);
    this.waker.add(inboxOf(user));
    return seq;
  }

  async leave(user: string, channel: string): Promise<void> {
    const wasMember = await this.options.groups.leave({ user, channel });
    if (!wasMember) throw new Fault('NOT_FOUND', `${channel}: ${user} is no member`);
    await this.memberships.refresh(user);
    this.waker.add(inboxOf(user));
  }

  /** A NOTIFY arrived. Its content is anybody's: it can only make this instance look at channels it reads. */
  hint(payload: string): void {
    this.feed.hint(payload.split('\n'));
  }

  /** LISTEN is lost: from now on only polls find what the others publish. */
  pollSoon(): void {
    this.backstop.hurry();
  }

  /** After LISTEN was taken up (again): what was said meanwhile was not heard. */
  async readEverything(): Promise<void> {
    try {
      await this.feed.poll(Infinity);
    } catch (error) {
      this.options.onError('poll failed', error);
    }
  }

  private makeConnection(key: ConnectionKey, outlet: Outlet): Connection {
    const { windowMessages, windowBytes } = this.options.settings;
    const connection = new Connection(key, outlet, {
      clock: this.clock,
      acks: this.acks,
      windowLimits: { messages: windowMessages, bytes: windowBytes },
      onSend: (sender) => this.scheduleSend(sender),
      onBusy: (busy) => this.attempts.watch(busy),
      onRoom: (subscription) => void this.catchUp.run(subscription),
    });
    this.connections.set(key.connectionId, connection);
    const others = this.byUser.get(key.user) ?? new Set();
    this.byUser.set(key.user, others.add(connection));
    return connection;
  }

  /** Routes first, positions after: what is appended in between is in one or the other. */
  private async attach(connection: Connection, channels: readonly string[], isDurable: boolean): Promise<Position[]> {
    if (connection.subscriptions.size + channels.length > this.options.settings.maxChannels) {
      throw new Fault('TOO_MANY_CHANNELS', `a connection reads at most ${this.options.settings.maxChannels} channels`);
    }
    for (const name of channels) {
      const subscription = new Subscription(connection, this.feed.channel(name), isDurable);
      subscription.channel.subscriptions.add(subscription);
      connection.subscriptions.set(name, subscription);
    }
    try {
      await this.options.registry.sync();
      const positions = await this.options.devices.positions(connection.key, channels);
      return positions.filter((position) => this.keep(connection, position, isDurable));
    } catch (error) {
      for (const name of channels) this.detach(connection, name);
      throw error;
    }
  }

  /** Drops a group that the user left between the two reads, and everything if the connection closed meanwhile. */
  private keep(connection: Connection, { channel, isMember }: Position, isDurable: boolean): boolean {
    if (connection.isClosed) return false;
    if (!isDurable || isMember || channelKind(channel) !== 'group') return true;
    this.detach(connection, channel);
    return false;
  }

  private async addGroups(connection: Connection, channels: readonly string[]): Promise<void> {
    const read = channels.map((name) => connection.subscriptions.get(name)).filter((known) => known !== undefined);
    for (const known of read) known.isDurable = true;
    const missing = channels.filter((name) => !connection.subscriptions.has(name));
    const positions = missing.length > 0 ? await this.attach(connection, missing, true) : [];
    for (const { channel, seq } of positions) connection.outlet.membership({ channel, state: 'joined', seq });
    for (const position of positions) this.begin(connection, position);
  }

  /** What the device says it has processed counts as acknowledged, if it can be true. */
  private resume(connection: Connection, position: Position, processedSeq: number): void {
    const subscription = connection.subscriptions.get(position.channel);
    if (!subscription) return;
    subscription.startAt(position.seq, undefined);
    if (processedSeq <= position.seq || processedSeq > position.lastSeq) return;
    // Which of these messages ask for a receipt is not known here, so the statement looks.
    const run = { fromSeq: position.seq + 1, toSeq: processedSeq, sentAtMs: performance.now(), wantsReceipts: true };
    this.acks.acknowledge(subscription, processedSeq, [run]);
    subscription.startAt(processedSeq, undefined);
  }

  private begin(connection: Connection, { channel, seq, lastSeq, lastAt }: Position): void {
    const subscription = connection.subscriptions.get(channel);
    if (subscription?.state !== 'opening') return;
    const from = Math.max(seq, subscription.ackedSeq);
    subscription.startAt(from, from === lastSeq ? lastAt : undefined);
    subscription.state = 'lagging';
    if (from < lastSeq) connection.noteLagging(subscription);
    else this.admit(subscription);
  }

  private admit(subscription: Subscription): void {
    const admitted = subscription.channel.admit(subscription);
    if (admitted === 'unread') this.feed.readOn(subscription.channel);
    if (admitted === 'behind') subscription.connection.noteLagging(subscription);
  }

  private detach(connection: Connection, channel: string): void {
    const subscription = connection.subscriptions.get(channel);
    if (!subscription) return;
    connection.failAttempt(subscription, 'disconnected', 'stopped reading the channel');
    connection.subscriptions.delete(channel);
    this.feed.detach(subscription);
    this.syncRegistry();
  }

  private syncRegistry(): void {
    // Kept as changed on failure; the next change or beat writes it.
    this.options.registry
      .sync()
      .catch((error: unknown) => this.options.onError('registry not written, trying again', error));
  }

  /** A message was given up for a device: its connections go on behind it. */
  private bury({ user, deviceId, channel, seq }: Death): void {
    for (const connection of this.byUser.get(user) ?? []) {
      if (connection.key.deviceId === deviceId) connection.skip(channel, seq, 'dead');
    }
  }

  private scheduleSend(connection: Connection): void {
    if (this.sending.length === 0) setImmediate(() => this.flush());
    this.sending.push(connection);
  }

  private flush(): void {
    const sending = this.sending;
    this.sending = [];
    for (const connection of sending) connection.flush();
  }
}
