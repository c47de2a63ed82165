import { Batcher, type Database } from '#database';
import { inboxOf, ProtocolError, type ChannelPresence, type UserPresence } from '#protocol';
import type { Registry } from '../connections/registry.js';
import type { Notifier } from '../notifier/notifier.port.js';
import { RecentAnswers } from './recent-answers.js';
import { Repeater } from '../repeater.js';
import { FIND_WATCHERS, READ_CHANGES, READ_ONLINE, READ_PRESENCE, type ChangeRow } from './sql/presence.sql.js';
import { WatchedChannel, type Viewer, type Watcher } from './watched-channel.js';

export interface PresenceOptions {
  readonly instanceId: string;
  readonly pollMs: number;
  readonly notifier: Notifier;
  readonly debounceMs: number;
  /** After this time all instances have registered themselves again in a registry that was emptied. */
  readonly settleMs: number;
  readonly maxWatches: number;
  /**
   * Tells for each pair whether the user may see the presence in the channel: its own, that of its groups, and of users
   * with whom it shares one.
   */
  readonly maySee: (pairs: readonly { user: string; channel: string }[]) => Promise<boolean[]>;
  readonly onError: (error: unknown) => void;
}

/** An answer names at most this many users; its counts cover all of them. */
const MAX_USERS = 1_000;
/** Few answers are kept, because one with `MAX_USERS` users takes 200 KB of memory. */
const RECENT = { keepMs: 500, maxAnswers: 100 };
/** An instance that watches a channel has a route with this prefix, by which other instances find its watchers. */
const ROUTE_PREFIX = 'presence:';

/**
 * Presence tells who is online. Queries are answered from the registry in one statement and ask no other instance.
 * Watching means comparing: a poll reads who is online in the watched channels, and tells the watchers about each user
 * who differs from what they believe. So a change is announced once, whether it came by a disconnect, with a killed
 * instance, or while hints were off. A hint from the instance that saw a change makes the poll come sooner. An instance
 * without watchers asks nothing.
 */
export class Presence {
  private readonly watched = new Map<string, WatchedChannel>();
  private readonly hinted = new Set<string>();
  private readonly queries: Batcher<string, ChannelPresence>;
  private readonly recent = new RecentAnswers<ChannelPresence>(RECENT);
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
    this.queries = new Batcher<string, ChannelPresence>({ run: (channels) => this.readAll(channels), maxItems: 100 });
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
    return this.recent.get(channel, () => this.queries.add(channel), performance.now());
  }

  /** Makes the next answer a new one, because members have joined or left. */
  forget(channel: string): void {
    this.recent.forget(channel);
  }

  /** Answers a user who may see the channel. @throws ProtocolError FORBIDDEN */
  async query(viewer: Viewer, channel: string): Promise<ChannelPresence> {
    await this.assertVisible(viewer, channel);
    return this.of(channel);
  }

  /**
   * From the answer on, the watcher is told about every change.
   * @returns the users who are online
   * @throws ProtocolError FORBIDDEN, TOO_MANY_WATCHES
   */
  async watch(watcher: Watcher, channel: string): Promise<string[]> {
    await this.assertVisible(watcher, channel);
    if (watcher.isGone) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
    const isNew = !watcher.watched.has(channel);
    if (isNew) this.hold(watcher, channel);
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
    const watched = this.watched.get(channel);
    if (!watcher.watched.delete(channel) || !watched) return;
    watched.watchers.delete(watcher);
    if (--watched.holds > 0) return;
    this.watched.delete(channel);
    this.registry.closeRoute(ROUTE_PREFIX + channel);
    // A change that fails to be written stays marked, and the next change or lease renewal writes it.
    this.registry.sync().catch(this.options.onError);
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
    if (this.recent.size > 0) for (const user of users) this.recent.forget(inboxOf(user));
    if (users.length === 0 || (this.watched.size === 0 && !notifier.hasAudience)) return;
    this.changes.add(users).catch(onError);
  }

  private readEverything(): void {
    for (const channel of this.watched.keys()) this.hinted.add(channel);
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

  private hold(watcher: Watcher, channel: string): void {
    const { maxWatches } = this.options;
    if (watcher.watched.size >= maxWatches) {
      throw new ProtocolError('TOO_MANY_WATCHES', `a connection watches at most ${maxWatches} users and groups`);
    }
    watcher.watched.add(channel);
    let watched = this.watched.get(channel);
    if (!watched) {
      watched = new WatchedChannel();
      this.watched.set(channel, watched);
      this.registry.openRoute(ROUTE_PREFIX + channel);
    }
    watched.holds += 1;
  }

  private async assertVisible(viewer: Viewer, channel: string): Promise<void> {
    if (viewer.isGranted(channel)) return;
    const [maySee] = await this.options.maySee([{ user: viewer.user, channel }]);
    if (!maySee) throw new ProtocolError('FORBIDDEN', `${channel}: neither shares a group nor a grant with this user`);
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
    const channels = isDue ? [...this.watched.keys()] : [...this.hinted];
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
      this.recent.forget(channel);
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
  private async endUnseen(watches: readonly { watcher: Watcher; channel: string }[]): Promise<void> {
    const questions = watches
      .filter(({ watcher, channel }) => !watcher.isGranted(channel))
      .map(({ watcher, channel }) => ({ watcher, user: watcher.user, channel }));
    if (questions.length === 0) return;
    const maySee = await this.options.maySee(questions);
    questions.forEach(({ watcher, channel }, index) => {
      if (maySee[index] || !watcher.watched.has(channel)) return;
      this.unwatch(watcher, channel);
      watcher.onEnded(channel);
    });
  }

  private async readAll(channels: readonly string[]): Promise<ChannelPresence[]> {
    const answers = new Map<string, ChannelPresence>();
    for (const channel of channels) answers.set(channel, { channel, members: 0, online: 0, users: [] });
    const rows = await this.database.rows('work', READ_PRESENCE, [[...answers.keys()], MAX_USERS]);
    for (const row of rows) {
      const answer = answers.get(row.channel);
      if (!answer) continue;
      answer.members = row.members;
      answer.online = row.online;
      answer.users.push(toUserPresence(row));
    }
    return channels.map((channel) => answers.get(channel) ?? { channel, members: 0, online: 0, users: [] });
  }
}

function toUserPresence(row: { user_id: string; is_online: boolean; last_seen_at: Date | null }): UserPresence {
  return { user: row.user_id, isOnline: row.is_online, lastSeenAt: row.last_seen_at?.toISOString() ?? null };
}
