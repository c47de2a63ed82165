import { Batcher, type Database } from '#database';
import { Fault, inboxOf, type ChannelPresence, type UserPresence } from '#protocol';
import { Poll } from './poll.js';
import { RecentAnswers } from './recent-answers.js';
import type { Registry } from './registry.js';
import { READ_CHANGES, READ_ONLINE, READ_PRESENCE, WAKE_WATCHERS, type ChangeRow } from './sql/presence.sql.js';
import { WatchedChannel, type Viewer, type Watcher } from './watched-channel.js';

export interface PresenceOptions {
  readonly instanceId: string;
  readonly pollMs: number;
  readonly isNotifyOn: boolean;
  readonly hasPeers: () => boolean;
  readonly debounceMs: number;
  /** Within this time all instances have written themselves into an emptied registry. */
  readonly settleMs: number;
  readonly maxWatches: number;
  /** Whether each user may see the presence of its channel: itself, its groups, who shares a group with it. */
  readonly maySee: (pairs: readonly { user: string; channel: string }[]) => Promise<boolean[]>;
  readonly onError: (error: unknown) => void;
}

/** Users that one answer names; the counts beside them are of all. */
const MAX_USERS = 1_000;
/** An answer of so many users is 200 KB in memory. */
const RECENT = { keepMs: 500, maxAnswers: 100 };
/** Watching a channel is a route of this name, so that the instances find each other's watchers. */
const ROUTE_PREFIX = 'presence:';

/**
 * Who is online. Queries are answered from the registry in one statement and ask no other instance. Watching is comparing:
 * a poll reads who is online in the watched channels, and tells the watchers of whoever differs from what they believe.
 * So a change is announced once, however it came about: by a disconnect, a killed instance, or while hints were off. A
 * hint from the instance that saw a change makes the poll come sooner. An instance without watchers asks nothing.
 */
export class Presence {
  private readonly watched = new Map<string, WatchedChannel>();
  private readonly hinted = new Set<string>();
  private readonly queries: Batcher<string, ChannelPresence>;
  private readonly recent = new RecentAnswers<ChannelPresence>(RECENT);
  private readonly reads: Batcher<readonly string[], void>;
  private readonly changes: Batcher<readonly string[], void>;
  private readonly poll: Poll;
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
    this.poll = new Poll({ everyMs: pollMs, run: (isDue) => this.look(isDue), onError });
  }

  /** Once this instance is in the registry. */
  start(): void {
    this.startedAt = performance.now();
    this.poll.start();
  }

  async stop(): Promise<void> {
    await this.poll.stop();
    await Promise.all([this.reads.drain(), this.changes.drain()]);
  }

  /** For those who may see everything. As it was half a second ago, at most. */
  of(channel: string): Promise<ChannelPresence> {
    return this.recent.get(channel, () => this.queries.add(channel), performance.now());
  }

  /** Members have come or gone: the next answer is a new one. */
  forget(channel: string): void {
    this.recent.forget(channel);
  }

  /** @throws Fault FORBIDDEN */
  async query(viewer: Viewer, channel: string): Promise<ChannelPresence> {
    await this.assertVisible(viewer, channel);
    return this.of(channel);
  }

  /**
   * From the answer on, the watcher is told of every change. @returns who is online
   * @throws Fault FORBIDDEN, TOO_MANY_WATCHES
   */
  async watch(watcher: Watcher, channel: string): Promise<string[]> {
    await this.assertVisible(watcher, channel);
    if (watcher.isGone) throw new Fault('UNAVAILABLE', 'the connection is closing');
    const isNew = !watcher.watched.has(channel);
    if (isNew) this.hold(watcher, channel);
    try {
      // Route first, read after: a change in between is in one or the other.
      await this.registry.sync();
      await this.reads.add([channel]);
    } catch (error) {
      if (isNew) this.unwatch(watcher, channel);
      throw error;
    }
    const watched = this.watched.get(channel);
    if (!watched || !watcher.watched.has(channel)) throw new Fault('UNAVAILABLE', 'the watch was ended meanwhile');
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
    // Kept as changed on failure; the next change or beat writes it.
    this.registry.sync().catch(this.options.onError);
  }

  /** The watcher has other grants than before: ends what it may not see any more. */
  async review(watcher: Watcher): Promise<void> {
    const watches = [...watcher.watched].map((channel) => ({ watcher, channel }));
    // If this fails nothing is told that should not be: each announcement asks again.
    await this.endUnseen(watches).catch(this.options.onError);
  }

  /** The watcher's connection has ended. */
  leave(watcher: Watcher): void {
    watcher.isGone = true;
    for (const channel of [...watcher.watched]) this.unwatch(watcher, channel);
  }

  /** Connections of these users have come or gone, on this instance or with another. */
  changed(users: readonly string[]): void {
    const { isNotifyOn, hasPeers, onError } = this.options;
    if (this.recent.size > 0) for (const user of users) this.recent.forget(inboxOf(user));
    if (users.length === 0 || (this.watched.size === 0 && !(isNotifyOn && hasPeers()))) return;
    this.changes.add(users).catch(onError);
  }

  /** A NOTIFY arrived. Its content is anybody's: it can only make this instance look at what is watched here. */
  hint(payload: string): void {
    if (this.watched.size > 0) this.note(payload.split('\n'));
  }

  /** After LISTEN was taken up (again): what was said meanwhile was not heard. */
  readEverything(): void {
    for (const channel of this.watched.keys()) this.hinted.add(channel);
    if (this.hinted.size > 0) this.poll.soon();
  }

  private note(routes: readonly string[]): void {
    for (const route of routes) {
      const channel = route.slice(ROUTE_PREFIX.length);
      if (route.startsWith(ROUTE_PREFIX) && this.watched.has(channel)) this.hinted.add(channel);
    }
    if (this.hinted.size > 0) this.poll.soon();
  }

  private hold(watcher: Watcher, channel: string): void {
    const { maxWatches } = this.options;
    if (watcher.watched.size >= maxWatches) {
      throw new Fault('TOO_MANY_WATCHES', `a connection watches at most ${maxWatches} users and groups`);
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
    if (!maySee) throw new Fault('FORBIDDEN', `${channel}: neither shares a group nor a grant with this user`);
  }

  private async wake(users: readonly (readonly string[])[]): Promise<void[]> {
    const { instanceId, isNotifyOn } = this.options;
    const [row] = await this.database.rows('work', WAKE_WATCHERS, [users.flat(), instanceId, isNotifyOn]);
    this.note(row?.own ?? []);
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
      // The row is as old as this process, unless it was written again since.
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
      // Whoever is told of it and asks is not answered with what was before.
      this.recent.forget(channel);
      this.watched.get(channel)?.tell({ channel, users });
    }
  }

  /** One who went is news once the debounce is over; until then it is looked at again. */
  private isNews(row: ChangeRow): boolean {
    const believed = this.watched.get(row.channel)?.online;
    if (!believed || believed.has(row.user_id) === row.is_online) return false;
    if (row.is_online) return true;
    const { debounceMs, settleMs } = this.options;
    const waitMs = row.is_settled ? debounceMs - (row.gone_ms ?? Infinity) : settleMs;
    if (waitMs <= 0) return true;
    this.hinted.add(row.channel);
    this.poll.soon(waitMs);
    return false;
  }

  /** Before watchers of these channels are told something. */
  private dismiss(channels: readonly string[]): Promise<void> {
    return this.endUnseen(
      channels.flatMap((channel) =>
        [...(this.watched.get(channel)?.watchers ?? [])].map((watcher) => ({ watcher, channel })),
      ),
    );
  }

  /** Ends those of these watches whose watcher may not see the channel any more. */
  private async endUnseen(watches: readonly { watcher: Watcher; channel: string }[]): Promise<void> {
    const seats = watches
      .filter(({ watcher, channel }) => !watcher.isGranted(channel))
      .map(({ watcher, channel }) => ({ watcher, user: watcher.user, channel }));
    if (seats.length === 0) return;
    const maySee = await this.options.maySee(seats);
    seats.forEach(({ watcher, channel }, place) => {
      if (maySee[place] || !watcher.watched.has(channel)) return;
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
