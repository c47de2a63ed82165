import type { Groups } from '#message-persistence';
import { channelKind, inboxOf } from '#protocol';
import type { Connection } from './connection.js';
import type { Feed } from '../live/feed.js';
import type { OpenConnections } from './open-connections.js';
import type { Subscriptions } from './subscriptions.js';

export interface MembershipSyncOptions {
  readonly groups: Groups;
  readonly feed: Feed;
  readonly connections: OpenConnections;
  readonly subscriptions: Subscriptions;
  readonly onError: (error: unknown) => void;
}

/** Keeps the live connections of a user in step with its groups, on whichever instance a membership was changed. */
export class MembershipSync {
  private readonly running = new Map<string, Promise<void>>();

  constructor(private readonly options: MembershipSyncOptions) {}

  /**
   * Looks up the groups of a user for its connections. The promise resolves when a refresh that began after this call
   * is done; for each user one runs at a time.
   */
  async refresh(user: string): Promise<void> {
    await this.running.get(user);
    const again = this.running.get(user);
    if (again) return again;
    const refresh = this.apply(user)
      .catch(this.options.onError)
      .finally(() => this.running.delete(user));
    this.running.set(user, refresh);
    return refresh;
  }

  private async apply(user: string): Promise<void> {
    const { groups, feed } = this.options;
    if (this.options.connections.of(user).length === 0) return;
    const { channels, epoch } = await groups.membershipsOf(user);
    // A connection that is still opening looks at the epoch by itself when it is ready.
    const connections = this.options.connections.of(user).filter(({ isReady }) => isReady);
    await Promise.all(connections.map((connection) => this.applyTo(connection, new Set(channels))));
    // This comes last: if anything before it fails, the old epoch makes the next poll ask again.
    feed.find(inboxOf(user))?.noteEpoch(epoch);
  }

  private async applyTo(connection: Connection, groups: ReadonlySet<string>): Promise<void> {
    for (const { channel, isDurable } of [...connection.subscriptions.values()]) {
      if (channelKind(channel.name) === 'group' && isDurable && !groups.has(channel.name))
        this.remove(connection, channel.name);
    }
    const missing = [...groups].filter((name) => !connection.isMemberOf(name));
    if (missing.length > 0 && !connection.isClosed) await this.options.subscriptions.addGroups(connection, missing);
  }

  private remove(connection: Connection, channel: string): void {
    const seq = connection.subscriptions.get(channel)?.sentSeq ?? 0;
    this.options.subscriptions.detach(connection, channel);
    connection.transport.membership({ channel, state: 'left', seq });
  }
}
