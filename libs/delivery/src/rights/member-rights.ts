import type { Settings } from '#config';
import type { Groups, HistoryBounds, MessageLog, Recipient } from '#message-persistence';
import { matchesPattern, ProtocolError, type HistoryPage } from '#protocol';
import type { MembershipSync } from '../connection/membership-sync.js';
import { ReceiptRights } from './receipt-rights.js';

/** Decides what a membership lets its user do by asking the database, which may know more than the connections do. */
export class MemberRights {
  readonly receipts: ReceiptRights;

  constructor(
    private readonly groups: Pick<Groups, 'joinedSeq' | 'isLarger'>,
    private readonly log: Pick<MessageLog, 'history'>,
    private readonly membershipSync: MembershipSync,
    private readonly settings: Pick<Settings['delivery'], 'historyFromJoin' | 'receiptsMaxMembers'>,
  ) {
    this.receipts = new ReceiptRights(groups, settings.receiptsMaxMembers);
  }

  /**
   * Asks the database whether the user is a member. If so, the connections of the user on this instance know it when
   * the promise resolves.
   */
  async isMember(user: string, channel: string): Promise<boolean> {
    const joinedSeq = await this.groups.joinedSeq({ user, channel });
    if (joinedSeq === undefined) return false;
    await this.membershipSync.refresh(user);
    return true;
  }

  /** Reads a page of history for a user who may read the channel because it is a member. @throws ProtocolError FORBIDDEN */
  async history(reader: Recipient, channel: string, bounds: HistoryBounds): Promise<HistoryPage> {
    const isFromJoin = this.settings.historyFromJoin.some((pattern) => matchesPattern(pattern, channel));
    if (!isFromJoin) return this.log.history(channel, bounds, reader);
    const joinedSeq = await this.groups.joinedSeq({ user: reader.user, channel });
    if (joinedSeq === undefined) throw new ProtocolError('FORBIDDEN', `${channel}: ${reader.user} is no member`);
    return this.log.history(channel, { ...bounds, afterSeq: Math.max(bounds.afterSeq, joinedSeq) }, reader);
  }
}
