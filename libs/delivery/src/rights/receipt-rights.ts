import type { Groups } from '#message-persistence';
import { channelKind, ProtocolError } from '#protocol';

/** An answer is remembered for this long, so a group that grows meanwhile counts as small until then. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 10_000;

/**
 * Decides for which channels anybody may ask for receipts: inboxes, and groups of at most `maxMembers`. A message with
 * receipts costs a row for each reader, so for larger groups and for broadcast a grant has to name the channel.
 */
export class ReceiptRights {
  /** The groups that were small when they were looked at, and until when that counts, by performance.now(). */
  private readonly smallUntilMs = new Map<string, number>();

  constructor(
    private readonly groups: Pick<Groups, 'isLarger'>,
    /** The largest group that gives receipts to anybody; 0 means groups of any size. */
    private readonly maxMembers: number,
  ) {}

  /** Returns true if anybody may ask for receipts in the channel, as far as this instance knows without asking. */
  isKnownFree(channel: string): boolean {
    const kind = channelKind(channel);
    if (kind === 'user' || this.maxMembers === 0) return true;
    return kind === 'group' && (this.smallUntilMs.get(channel) ?? 0) > performance.now();
  }

  /**
   * Asks the database whether anybody may, unless it was asked recently. @throws ProtocolError FORBIDDEN if only a grant allows
   * it
   */
  async assertFree(channel: string): Promise<void> {
    if (this.isKnownFree(channel)) return;
    if (channelKind(channel) === 'group' && !(await this.groups.isLarger(channel, this.maxMembers))) {
      this.remember(channel);
      return;
    }
    throw new ProtocolError(
      'FORBIDDEN',
      `receipts: ${channel} has more than ${this.maxMembers} readers, and the token does not grant receipts:${channel}`,
    );
  }

  private remember(channel: string): void {
    if (this.smallUntilMs.size >= MAX_REMEMBERED) this.smallUntilMs.clear();
    this.smallUntilMs.set(channel, performance.now() + REMEMBERED_MS);
  }
}
