import { ProtocolError } from '#protocol';
import type { Viewer, Watcher } from './watched-channel.js';

/**
 * Tells for each pair whether the user may see the presence in the channel: its own, that of its groups, and of users
 * with whom it shares one.
 */
export type MaySee = (pairs: readonly { user: string; channel: string }[]) => Promise<boolean[]>;

export interface Watch {
  readonly watcher: Watcher;
  readonly channel: string;
}

/** Decides who may see whose presence: first by the grants of the viewer, then by the groups that it shares. */
export class Visibility {
  constructor(private readonly maySee: MaySee) {}

  /** @throws ProtocolError FORBIDDEN */
  async assert(viewer: Viewer, channel: string): Promise<void> {
    if (viewer.isGranted(channel)) return;
    const [maySee] = await this.maySee([{ user: viewer.user, channel }]);
    if (!maySee) throw new ProtocolError('FORBIDDEN', `${channel}: neither shares a group nor a grant with this user`);
  }

  /** Returns those of the watches whose watcher may not see the channel any more. */
  async unseen(watches: readonly Watch[]): Promise<Watch[]> {
    const ungranted = watches.filter(({ watcher, channel }) => !watcher.isGranted(channel));
    if (ungranted.length === 0) return [];
    const maySee = await this.maySee(ungranted.map(({ watcher, channel }) => ({ user: watcher.user, channel })));
    return ungranted.filter((_, index) => maySee[index] !== true);
  }
}
