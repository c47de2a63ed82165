import type { Registry } from '#connection-manager';
import type { Devices, Position } from '#message-persistence';
import { channelKind, ProtocolError } from '#protocol';
import type { Connection } from './connection.js';
import type { Feed } from '../live/feed.js';
import { Subscription } from './subscription.js';

export interface SubscriptionsOptions {
  readonly feed: Feed;
  readonly registry: Registry;
  readonly devices: Devices;
  readonly maxChannels: number;
  readonly onError: (error: unknown) => void;
}

interface Started {
  readonly seq: number;
  readonly lastSeq: number;
}

/** Starts and ends the subscriptions of connections, and decides from where each one reads. */
export class Subscriptions {
  /** Requests for a subscription that is still starting wait for the answer to the first one. */
  private readonly starting = new WeakMap<Subscription, Promise<Started>>();

  constructor(private readonly options: SubscriptionsOptions) {}

  /** Starts reading a channel without a membership, after `sinceSeq` or, if that is undefined, from now on. */
  async subscribe(connection: Connection, channel: string, sinceSeq?: number): Promise<Started> {
    const known = connection.subscriptions.get(channel);
    const earlier = known && this.starting.get(known);
    if (earlier) return earlier;
    if (known) return this.whereItStands(connection, known);
    if (connection.isClosed) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
    this.assertRoom(connection);
    const started = this.start(connection, channel, sinceSeq);
    const subscription = connection.subscriptions.get(channel);
    if (subscription) this.starting.set(subscription, started);
    try {
      return await started;
    } finally {
      if (subscription) this.starting.delete(subscription);
    }
  }

  private async whereItStands(connection: Connection, { channel, sentSeq }: Subscription): Promise<Started> {
    const [position] = await this.options.devices.positions(connection.key, [channel.name]);
    return { seq: sentSeq, lastSeq: Math.max(sentSeq, position?.lastSeq ?? 0) };
  }

  private async start(connection: Connection, channel: string, sinceSeq: number | undefined): Promise<Started> {
    const [position] = await this.attach(connection, [channel], false);
    // The connection was closed, or the right to read the channel has ended.
    if (!position || !connection.subscriptions.has(channel)) {
      throw new ProtocolError('NOT_SUBSCRIBED', `${channel}: the subscription was ended meanwhile`);
    }
    // A subscriber starts where it asks to. One that has become a member, which this connection need not know yet, starts
    // no later than its cursor, because its acknowledgements will move it.
    const latest = position.isMember ? position.seq : position.lastSeq;
    const seq = Math.min(sinceSeq ?? latest, latest);
    this.begin(connection, { ...position, seq });
    return { seq, lastSeq: position.lastSeq };
  }

  /**
   * Checks that the connection may ask for one more channel. Channels that come with the user are never refused,
   * because a user whom a back end has put into many groups has to be able to connect.
   * @throws ProtocolError TOO_MANY_CHANNELS
   */
  assertRoom(connection: Connection): void {
    const { maxChannels } = this.options;
    if (connection.subscriptions.size < maxChannels) return;
    throw new ProtocolError('TOO_MANY_CHANNELS', `a connection reads at most ${maxChannels} channels`);
  }

  unsubscribe(connection: Connection, channel: string): void {
    const known = connection.subscriptions.get(channel);
    if (!known) throw new ProtocolError('NOT_SUBSCRIBED', `${channel}: not read on this connection`);
    if (known.isDurable)
      throw new ProtocolError('BAD_REQUEST', `${channel}: comes with the user; leave the group instead`);
    this.detach(connection, channel);
  }

  /** Returns the channels that the connection asked for, without memberships and what comes with every user. */
  askedFor({ subscriptions }: Connection): string[] {
    return [...subscriptions].filter(([, { isDurable }]) => !isDurable).map(([channel]) => channel);
  }

  /** Writes routes first and reads positions after, so that what is appended in between is in one or the other. */
  async attach(connection: Connection, channels: readonly string[], isDurable: boolean): Promise<Position[]> {
    for (const name of channels) {
      const subscription = new Subscription(connection, this.options.feed.channel(name), isDurable);
      subscription.channel.attach(subscription);
      connection.add(subscription);
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

  /** Begins to read groups that the user has joined; those it reads already become durable. */
  async addGroups(connection: Connection, channels: readonly string[]): Promise<void> {
    const read = channels.map((name) => connection.subscriptions.get(name)).filter((known) => known !== undefined);
    for (const known of read) known.becomeDurable();
    const missing = channels.filter((name) => !connection.subscriptions.has(name));
    const positions = missing.length > 0 ? await this.attach(connection, missing, true) : [];
    for (const { channel, seq } of positions) connection.transport.membership({ channel, state: 'joined', seq });
    for (const position of positions) this.begin(connection, position);
  }

  /** Starts at the cursor of the device: live if that is the end of the channel, lagging otherwise. */
  begin(connection: Connection, position: Position): void {
    const subscription = connection.subscriptions.get(position.channel);
    if (subscription?.state !== 'opening') return;
    subscription.start(position);
    if (subscription.sentSeq < position.lastSeq) connection.noteLagging(subscription.channel.name);
    else this.admit(subscription);
  }

  private admit(subscription: Subscription): void {
    const admitted = subscription.channel.admit(subscription);
    if (admitted === 'unread') this.options.feed.readOn(subscription.channel);
    if (admitted === 'behind') subscription.connection.noteLagging(subscription.channel.name);
  }

  detach(connection: Connection, channel: string): void {
    const subscription = connection.subscriptions.get(channel);
    if (!subscription) return;
    connection.end(subscription, 'stopped reading the channel');
    this.options.feed.detach(subscription);
    this.syncRegistry();
  }

  syncRegistry(): void {
    // A change that fails to be written stays marked, and the next change or lease renewal writes it.
    this.options.registry.sync().catch(this.options.onError);
  }
}
