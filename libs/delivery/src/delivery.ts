import type { ConnectionEntry } from '#connection-manager';
import type { MessageLog } from '#message-persistence';
import { inboxOf, ProtocolError, type Ack } from '#protocol';
import type { ClientTransport } from './connection/client-transport.port.js';
import { Connection } from './connection/connection.js';
import { openDevice } from './connection/open-device.js';
import type { Subscriptions } from './connection/subscriptions.js';
import type { DatabaseClock } from './database-clock.js';
import { DeliveryParts, type DeliveryDependencies } from './delivery-parts.js';
import type { Feed } from './live/feed.js';
import type { Publisher } from './publish/publisher.js';
import type { MemberRights } from './rights/member-rights.js';

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
  readonly clock: DatabaseClock;
  readonly log: MessageLog;
  readonly feed: Feed;
  readonly publisher: Publisher;
  readonly subscriptions: Subscriptions;
  readonly memberRights: MemberRights;
  private readonly parts: DeliveryParts;

  constructor(private readonly options: DeliveryDependencies) {
    const parts = (this.parts = new DeliveryParts(options));
    this.log = options.log;
    this.clock = parts.clock;
    this.feed = parts.feed;
    this.publisher = parts.publisher;
    this.subscriptions = parts.subscriptions;
    this.memberRights = parts.memberRights;
  }

  start(): void {
    this.parts.redelivery.start();
    this.parts.fallbackPoll.start();
    this.parts.outboxRelay.start();
  }

  /** Stops the timers and writes what is still in memory; all connections have to be closed by then. */
  async stop(): Promise<void> {
    this.parts.redelivery.stop();
    await this.parts.outboxRelay.stop();
    await this.parts.fallbackPoll.stop();
    await this.options.log.drain();
    await this.parts.readerWake.drain();
    await this.parts.acks.flush();
  }

  /**
   * Registers a client and starts its channels at the cursors of its device. `ready` is sent once the routes of the
   * client are committed, because from then on every publish reaches it. The caller has to close the connection, even
   * if this fails.
   */
  async open({ key, transport, resume }: Opening, onConnection: (connection: Connection) => void): Promise<void> {
    const { devices, registry, instanceId } = this.options;
    const { channels, epoch } = await openDevice(key, devices, registry);
    const connection = new Connection(key, transport, this.parts.connectionContext);
    onConnection(connection);
    if (connection.isClosed) return;
    this.parts.connections.add(connection);
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
    if (isStale || inbox?.epoch !== epoch) void this.parts.membershipSync.refresh(key.user);
  }

  close(connection: Connection, reason: string): void {
    if (connection.isClosed) return;
    connection.close(reason);
    for (const subscription of connection.subscriptions.values()) this.feed.detach(subscription);
    this.parts.connections.remove(connection);
    this.options.registry.removeConnection(connection.key.connectionId);
    this.subscriptions.syncRegistry();
    this.options.devices
      .leave(connection.key)
      .catch((error: unknown) => this.options.onError('device not noted as left', error));
    void this.parts.acks.flush();
  }

  /** The acknowledgement takes effect at once; the promise resolves when it is stored. */
  acknowledge(connection: Connection, ack: Ack): Promise<void> {
    connection.acknowledge(ack);
    return this.parts.acks.saved();
  }

  /** Stores what was acknowledged up to now, without waiting for the next flush. */
  saveAcknowledged(): Promise<void> {
    return this.parts.acks.flush();
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
    await this.parts.membershipSync.refresh(user);
    this.parts.readerWake.add(inboxOf(user));
    return seq;
  }

  async leave(user: string, channel: string): Promise<void> {
    const wasMember = await this.options.groups.leave({ user, channel });
    if (!wasMember) throw new ProtocolError('NOT_FOUND', `${channel}: ${user} is no member`);
    await this.parts.membershipSync.refresh(user);
    this.parts.readerWake.add(inboxOf(user));
  }

  /** Sends what was held back, once the lease has turned out to be held. */
  sendHeldBack(): void {
    this.parts.flushQueue.sendHeldBack();
  }

  /**
   * Milliseconds that the oldest unread message of some live channels has waited since it was stored; 0 means none
   * waits.
   */
  oldestUnreadMs(): Promise<number> {
    return this.log.oldestUnreadMs(this.feed.sample(SAMPLE));
  }
}
