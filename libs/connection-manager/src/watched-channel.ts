import type { EventPayload } from '#protocol';

/** Who asks about presence. */
export interface Viewer {
  readonly user: string;
  /** Its token lets it see this channel, whatever they share. */
  isGranted(channel: string): boolean;
}

/** A connection that is told of changes. */
export interface Watcher extends Viewer {
  /** The channels it watches; kept by {@link Presence}. */
  readonly watched: Set<string>;
  /** Its connection has ended; kept by {@link Presence}. */
  isGone: boolean;
  onPresence(payload: EventPayload<'presence'>): void;
  /** It may not see the channel any more, and is told nothing more of it. */
  onEnded(channel: string): void;
}

/** A user or a group whose presence connections of this instance watch. */
export class WatchedChannel {
  /** Whom the watchers believe to be online; undefined before the first read. */
  online: Set<string> | undefined;
  readonly watchers = new Set<Watcher>();
  /** Watchers, and those that are about to be. */
  holds = 0;

  /** Whose state differs from what the watchers believe. The first time there is nobody who believes anything. */
  compare(online: Set<string>): string[] {
    const believed = this.online;
    if (!believed) {
      this.online = online;
      return [];
    }
    const come = [...online].filter((user) => !believed.has(user));
    const missing = [...believed].filter((user) => !online.has(user));
    return [...come, ...missing];
  }

  tell(payload: EventPayload<'presence'>): void {
    for (const { user, isOnline } of payload.users) {
      if (isOnline) this.online?.add(user);
      else this.online?.delete(user);
    }
    for (const watcher of this.watchers) watcher.onPresence(payload);
  }
}
