import { Batcher, type Database } from '#database';
import { inboxOf, ProtocolError, type ChannelPresence, type UserPresence } from '#protocol';
import type { Registry } from '../connections/registry.js';
import type { Notifier } from '../notifier/notifier.port.js';
import { Repeater } from '../repeater.js';
import { PresenceAnswers, toUserPresence } from './presence-answers.js';
import { FIND_WATCHERS, READ_CHANGES, READ_ONLINE, type ChangeRow } from './sql/presence.sql.js';
import { Visibility, type MaySee, type Watch } from './visibility.js';
import type { Viewer, Watcher } from './watched-channel.js';
import { ROUTE_PREFIX, WatchedChannels } from './watched-channels.js';

export interface PresenceOptions {
  readonly instanceId: string;
  readonly pollMs: number;
  readonly notifier: Notifier;
  readonly debounceMs: number;
  /** After this time all instances have registered themselves again in a registry that was emptied. */
  readonly settleMs: number;
  readonly maxWatches: number;
  readonly maySee: MaySee;
  readonly onError: (error: unknown) => void;
}

/**
 * Presence tells who is online. Queries are answered from the registry in one statement and ask no other instance.
 * Watching means comparing: a poll reads who is online in the watched channels, and tells the watchers about each user
 * who differs from what they believe. So a change is announced once, whether it came by a disconnect, with a killed
 * instance, or while hints were off. A hint from the instance that saw a change makes the poll come sooner. An instance
 * without watchers asks nothing.
 */
export class Presence {
  private readonly watched: WatchedChannels;
  private readonly hinted = new Set<string>();
  private readonly answers: PresenceAnswers;
  private readonly visibility: Visibility;
  private readonly reads: Batcher<readonly string[], void>;
  private readonly changes: Batcher<readonly string[], void>;
  private readonly repeater: Repeater;
  private startedAt = performance.now();

  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly options: PresenceOptions,
  ) {
    const { pollMs, onError } = options;
    this.watched = new WatchedChannels(registry, options.maxWatches);
    this.answers = new PresenceAnswers(database);
    this.visibility = new Visibility(options.maySee);
    this.reads = new Batcher<readonly string[], void>({ run: (asked) => this.readOnline(asked), maxItems: 1_000 });
    this.changes = new Batcher<readonly string[], void>({ run: (users) => this.wake(users), maxItems: 1_000 });
    this.repeater = new Repeater({ everyMs: pollMs, run: (isDue) => this.look(isDue), onError });
    // A channel may be made up, so a hint only makes this instance look at what it watches.
    options.notifier.on('channels', (routes) => this.note(routes));
    options.notifier.on('listening', () => this.readEverything());
  }

  /** Starts the poll, once this instance is registered. */
  start(): void {
    this.startedAt = performance.now();
    this.repeater.start();
  }

  async stop(): Promise<void> {
    await this.repeater.stop();
    await Promise.all([this.reads.drain(), this.changes.drain()]);
  }

  /** Answers for those who may see everything. The answer may be half a second old. */
  of(channel: string): Promise<ChannelPresence> {
    return this.answers.of(channel);
  }

  /** Makes the next answer a new one, because members have joined or left. */
  forget(channel: string): void {
    this.answers.forget(channel);
  }

  /** Answers a user who may see the channel. @throws ProtocolError FORBIDDEN */
  async query(viewer: Viewer, channel: string): Promise<ChannelPresence> {
    await this.visibility.assert(viewer, channel);
    return this.of(channel);
  }

  /**
   * From the answer on, the watcher is told about every change.
   * @returns the users who are online
   * @throws ProtocolError FORBIDDEN, TOO_MANY_WATCHES
   */
  async watch(watcher: Watcher, channel: string): Promise<string[]> {
    await this.visibility.assert(watcher, channel);
    if (watcher.isGone) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
    const isNew = !watcher.watched.has(channel);
    if (isNew) this.watched.hold(watcher, channel);
    try {
      // The route is written first and the read follows, so that a change in between is seen by one or the other.
      await this.registry.sync();
      await this.reads.add([channel]);
    } catch (error) {
      if (isNew) this.unwatch(watcher, channel);
      throw error;
    }
    const watched = this.watched.get(channel);
    if (!watched || !watcher.watched.has(channel))
      throw new ProtocolError('UNAVAILABLE', 'the watch was ended meanwhile');
    watched.watchers.add(watcher);
    return [...(watched.online ?? [])];
  }

  unwatch(watcher: Watcher, channel: string): void {
    // A change that fails to be written stays marked, and the next change or lease renewal writes it.
    if (this.watched.release(watcher, channel)) this.registry.sync().catch(this.options.onError);
  }

  /** Ends what the watcher may no longer see, after its grants have changed. */
  async review(watcher: Watcher): Promise<void> {
    const watches = [...watcher.watched].map((channel) => ({ watcher, channel }));
    // A failure here discloses nothing, because each announcement asks for the right again.
    await this.endUnseen(watches).catch(this.options.onError);
  }

  /** Ends all watches of a watcher whose connection has ended. */
  leave(watcher: Watcher): void {
    watcher.isGone = true;
    for (const channel of [...watcher.watched]) this.unwatch(watcher, channel);
  }

  /** Makes watchers look again, because connections of these users came or went, here or with another instance. */
  changed(users: readonly string[]): void {
    const { notifier, onError } = this.options;
    for (const user of users) this.answers.forget(inboxOf(user));
    if (users.length === 0 || (this.watched.size === 0 && !notifier.hasAudience)) return;
    this.changes.add(users).catch(onError);
  }

  private readEverything(): void {
    for (const channel of this.watched.names()) this.hinted.add(channel);
    if (this.hinted.size > 0) this.repeater.soon();
  }

  private note(routes: readonly string[]): void {
    if (this.watched.size === 0) return;
    for (const route of routes) {
      const channel = route.slice(ROUTE_PREFIX.length);
      if (route.startsWith(ROUTE_PREFIX) && this.watched.has(channel)) this.hinted.add(channel);
    }
    if (this.hinted.size > 0) this.repeater.soon();
  }

  private async wake(users: readonly (readonly string[])[]): Promise<void[]> {
    const { instanceId, notifier } = this.options;
    const routes = new Map<string, string[]>();
    for (const { instance_id: id, route } of await this.database.rows('work', FIND_WATCHERS, [users.flat()])) {
      const channels = routes.get(id);
      if (channels) channels.push(route);
      else routes.set(id, [route]);
    }
    this.note(routes.get(instanceId) ?? []);
    await notifier.tell([...routes].map(([to, channels]) => ({ to, hint: { kind: 'channels', channels } })));
    return users.map(() => undefined);
  }

  private async look(isDue: boolean): Promise<void> {
    const channels = isDue ? [...this.watched.names()] : [...this.hinted];
    for (const channel of channels) this.hinted.delete(channel);
    if (channels.length > 0) await this.reads.add(channels);
  }

  private async readOnline(asked: readonly (readonly string[])[]): Promise<void[]> {
    const channels = [...new Set(asked.flat())].filter((channel) => this.watched.has(channel));
    if (channels.length > 0) {
      const online = new Map(channels.map((channel) => [channel, new Set<string>()]));
      for (const row of await this.database.rows('work', READ_ONLINE, [channels])) {
        online.get(row.channel)?.add(row.user_id);
      }
      await this.announce(online);
    }
    return asked.map(() => undefined);
  }

  private async announce(online: ReadonlyMap<string, Set<string>>): Promise<void> {
    const seeming = [...online].flatMap(([channel, users]) =>
      (this.watched.get(channel)?.compare(users) ?? []).map((user) => ({ channel, user })),
    );
    if (seeming.length === 0) return;
    const { instanceId, settleMs } = this.options;
    const rows = await this.database.rows('work', READ_CHANGES, [
      seeming.map(({ channel }) => channel),
      seeming.map(({ user }) => user),
      instanceId,
      // The row of this instance is as old as this process, unless it was written again since.
      Math.min(settleMs, performance.now() - this.startedAt),
    ]);
    const news = new Map<string, UserPresence[]>();
    for (const row of rows.filter((changed) => this.isNews(changed))) {
      const users = news.get(row.channel) ?? [];
      users.push(toUserPresence(row));
      news.set(row.channel, users);
    }
    await this.dismiss([...news.keys()]);
    for (const [channel, users] of news) {
      // A watcher that is told of the change and asks must not get the answer of before.
      this.answers.forget(channel);
      this.watched.get(channel)?.tell({ channel, users });
    }
  }

  /**
   * Returns true if a change is to be announced. A user who has gone is announced when the debounce is over, and looked
   * at again until then.
   */
  private isNews(row: ChangeRow): boolean {
    const believed = this.watched.get(row.channel)?.online;
    if (!believed || believed.has(row.user_id) === row.is_online) return false;
    if (row.is_online) return true;
    const { debounceMs, settleMs } = this.options;
    const waitMs = row.is_settled ? debounceMs - (row.gone_ms ?? Infinity) : settleMs;
    if (waitMs <= 0) return true;
    this.hinted.add(row.channel);
    this.repeater.soon(waitMs);
    return false;
  }

  /** Ends watches that are no longer allowed, before the watchers of these channels are told something. */
  private dismiss(channels: readonly string[]): Promise<void> {
    return this.endUnseen(
      channels.flatMap((channel) =>
        [...(this.watched.get(channel)?.watchers ?? [])].map((watcher) => ({ watcher, channel })),
      ),
    );
  }

  /** Ends those of the watches whose watcher may no longer see the channel. */
  private async endUnseen(watches: readonly Watch[]): Promise<void> {
    for (const { watcher, channel } of await this.visibility.unseen(watches)) {
      if (!watcher.watched.has(channel)) continue;
      this.unwatch(watcher, channel);
      watcher.onEnded(channel);
    }
  }
}
