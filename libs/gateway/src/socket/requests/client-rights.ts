import { isPermitted, mayMembers, type ChannelRight } from '#auth';
import type { Connection, Delivery } from '#delivery';
import { channelKind, isGranted, ProtocolError } from '#protocol';
import type { ClientSession } from '../client-session.js';

/** Finds out which rights the client of a connection has; `permissions.ts` in `libs/auth` has the rules. */
export class ClientRights {
  constructor(
    private readonly session: ClientSession,
    private readonly connection: Connection,
    private readonly members: Delivery['memberRights'],
  ) {}

  /** True if the client has the right as far as this connection knows. A membership may be newer than what it knows. */
  has(right: ChannelRight, channel: string): boolean {
    const { login, grants } = this.session;
    return isPermitted(right, channel, login.user, grants, this.connection.isMemberOf(channel));
  }

  /** Asks the database before it refuses what members may do. @throws ProtocolError FORBIDDEN */
  async assert(right: ChannelRight, channel: string): Promise<void> {
    if (this.has(right, channel)) return;
    const isMember = mayMembers(right, channel) && (await this.members.isMember(this.session.login.user, channel));
    if (!isMember) throw new ProtocolError('FORBIDDEN', `the token does not grant ${right}:${channel}`);
  }

  /** True if the payload asks for no receipts, or the client may ask for them as far as is known here. */
  mayHaveReceipts(payload: object, channel: string): boolean {
    if (!('receipts' in payload) || payload.receipts === undefined) return true;
    return isGranted(this.session.grants, 'receipts', channel) || this.members.receipts.isKnownFree(channel);
  }

  /** Asks the database how large the group is. @throws ProtocolError FORBIDDEN */
  async assertReceipts(payload: object, channel: string): Promise<void> {
    if (!this.mayHaveReceipts(payload, channel)) await this.members.receipts.assertFree(channel);
  }

  /** True if the client reads the channel because it is a member, and not by a grant. */
  readsAsMember(channel: string): boolean {
    return this.isMember(channel) && !isGranted(this.session.grants, 'subscribe', channel);
  }

  isMember(channel: string): boolean {
    return this.connection.isMemberOf(channel) && channelKind(channel) === 'group';
  }
}
