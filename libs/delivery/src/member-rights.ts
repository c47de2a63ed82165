import type { Settings } from '#config';
import type { Groups, HistoryBounds, MessageLog, Recipient } from '#message-persistence';
import { Fault, matchesPattern, type HistoryPage } from '#protocol';
import type { Memberships } from './memberships.js';
import { ReceiptRights } from './receipt-rights.js';

/** What a membership lets its user do, where the database has to be asked: it may be newer than what connections know. */
export class MemberRights {
  readonly receipts: ReceiptRights;

  constructor(
    private readonly groups: Pick<Groups, 'joinedSeq' | 'isLarger'>,
    private readonly log: Pick<MessageLog, 'history'>,
    private readonly memberships: Memberships,
    private readonly settings: Pick<Settings['delivery'], 'historyFromJoin' | 'receiptsMaxMembers'>,
  ) {
    this.receipts = new ReceiptRights(groups, settings.receiptsMaxMembers);
  }

  /** If the user is a member, its connections on this instance know so when this resolves. */
  async isMember(user: string, channel: string): Promise<boolean> {
    const joinedSeq = await this.groups.joinedSeq({ user, channel });
    if (joinedSeq === undefined) return false;
    await this.memberships.refresh(user);
    return true;
  }

  /** A page for one who may read the channel because it is a member. @throws Fault FORBIDDEN */
  async history(reader: Recipient, channel: string, bounds: HistoryBounds): Promise<HistoryPage> {
    const isFromJoin = this.settings.historyFromJoin.some((pattern) => matchesPattern(pattern, channel));
    if (!isFromJoin) return this.log.history(channel, bounds, reader);
    const joinedSeq = await this.groups.joinedSeq({ user: reader.user, channel });
    if (joinedSeq === undefined) throw new Fault('FORBIDDEN', `${channel}: ${reader.user} is no member`);
    return this.log.history(channel, { ...bounds, afterSeq: Math.max(bounds.afterSeq, joinedSeq) }, reader);
  }
}
