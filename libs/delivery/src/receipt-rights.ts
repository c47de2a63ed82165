import type { Groups } from '#message-persistence';
import { channelKind, Fault } from '#protocol';

/** An answer is good for so long: a group that grows meanwhile counts as small until then. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 10_000;

/**
 * For which channels anybody may ask for receipts: inboxes and groups of at most so many members. Each receipt is a row
 * for each of them, so of larger groups, and of broadcast, a grant has to name them.
 */
export class ReceiptRights {
  /** Groups that were small when they were looked at, and until when that counts, performance.now(). */
  private readonly smallUntilMs = new Map<string, number>();

  constructor(
    private readonly groups: Pick<Groups, 'isLarger'>,
    /** 0: groups of any size. */
    private readonly maxMembers: number,
  ) {}

  /** Anybody may, as far as this instance knows. */
  isKnownFree(channel: string): boolean {
    const kind = channelKind(channel);
    if (kind === 'user' || this.maxMembers === 0) return true;
    return kind === 'group' && (this.smallUntilMs.get(channel) ?? 0) > performance.now();
  }

  /** Asks the database, unless it has just been asked. @throws Fault FORBIDDEN */
  async assertFree(channel: string): Promise<void> {
    if (this.isKnownFree(channel)) return;
    if (channelKind(channel) === 'group' && !(await this.groups.isLarger(channel, this.maxMembers))) {
      this.remember(channel);
      return;
    }
    throw new Fault(
      'FORBIDDEN',
      `receipts: ${channel} has more than ${this.maxMembers} readers, and the token does not grant receipts:${channel}`,
    );
  }

  private remember(channel: string): void {
    if (this.smallUntilMs.size >= MAX_REMEMBERED) this.smallUntilMs.clear();
    this.smallUntilMs.set(channel, performance.now() + REMEMBERED_MS);
  }
}
