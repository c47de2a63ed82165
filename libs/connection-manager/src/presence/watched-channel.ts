import type { EventPayload } from '#protocol';

/** A viewer asks about presence. */
export interface Viewer {
  readonly user: string;
  /** Returns true if the viewer's token lets it see this channel, whether or not they share a group. */
  isGranted(channel: string): boolean;
}

/** A watcher is a connection that is told about changes of presence. */
export interface Watcher extends Viewer {
  /** The channels that the connection watches; {@link Presence} maintains the set. */
  readonly watched: Set<string>;
  /** True once the connection has ended; {@link Presence} sets it. */
  isGone: boolean;
  onPresence(payload: EventPayload<'presence'>): void;
  /** Called when the watcher may no longer see the channel, about which it is told nothing more. */
  onEnded(channel: string): void;
}

/** A user or group whose presence is watched by connections of this instance. */
export class WatchedChannel {
  /** The users whom the watchers believe to be online; undefined before the first read. */
  online: Set<string> | undefined;
  readonly watchers = new Set<Watcher>();
  /** Counts the watchers and those that are about to become one. */
  holds = 0;

  /**
   * Returns the users whose state differs from what the watchers believe; at the first call nobody believes anything.
   */
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
