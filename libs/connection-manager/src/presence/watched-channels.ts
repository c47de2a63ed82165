import { ProtocolError } from '#protocol';
import type { Registry } from '../connections/registry.js';
import { WatchedChannel, type Watcher } from './watched-channel.js';

/** An instance that watches a channel has a route with this prefix, by which other instances find its watchers. */
export const ROUTE_PREFIX = 'presence:';

/** The channels that connections of this instance watch. Each has a route as long as somebody holds it. */
export class WatchedChannels {
  private readonly channels = new Map<string, WatchedChannel>();

  constructor(
    private readonly registry: Registry,
    private readonly maxWatches: number,
  ) {}

  get size(): number {
    return this.channels.size;
  }

  names(): Iterable<string> {
    return this.channels.keys();
  }

  has(channel: string): boolean {
    return this.channels.has(channel);
  }

  get(channel: string): WatchedChannel | undefined {
    return this.channels.get(channel);
  }

  /** Keeps the channel watched for this watcher, which is told nothing before it is one of its `watchers`. */
  hold(watcher: Watcher, channel: string): void {
    if (watcher.watched.size >= this.maxWatches) {
      throw new ProtocolError('TOO_MANY_WATCHES', `a connection watches at most ${this.maxWatches} users and groups`);
    }
    watcher.watched.add(channel);
    let watched = this.channels.get(channel);
    if (!watched) {
      watched = new WatchedChannel();
      this.channels.set(channel, watched);
      this.registry.openRoute(ROUTE_PREFIX + channel);
    }
    watched.holds += 1;
  }

  /** Ends what {@link hold} began. @returns true if it was the last one, so a route is to be removed */
  release(watcher: Watcher, channel: string): boolean {
    const watched = this.channels.get(channel);
    if (!watcher.watched.delete(channel) || !watched) return false;
    watched.watchers.delete(watcher);
    watched.holds -= 1;
    if (watched.holds > 0) return false;
    this.channels.delete(channel);
    this.registry.closeRoute(ROUTE_PREFIX + channel);
    return true;
  }
}
