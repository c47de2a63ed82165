import { channelKind, inboxOf, isGranted } from '#protocol';

/** The right that a request of a client needs on its channel; reading history needs the right to subscribe. */
export type ChannelRight = 'publish' | 'subscribe' | 'join';

/*
 * The rules about what a user may do, each with the only place that decides it:
 *
 * - publish: members of the group, and tokens that grant it.
 * - subscribe, and read history: everybody for the own inbox and broadcast; members of the group; tokens that grant it.
 * - join: tokens that grant it. To leave, to acknowledge, and to report what was read needs no right.
 * - presence: the user itself, those it shares a group with, and its groups (`Groups.maySee`); tokens that grant it.
 * - receipts: in inboxes and small groups (`ReceiptRights`); tokens that grant them.
 *
 * An API key may publish to every channel. What operators may do stands in the scopes of their keys.
 */

/** True if the user has the right on the channel. Whether it is a member says whoever asks. */
export function isPermitted(
  right: ChannelRight,
  channel: string,
  user: string,
  grants: readonly string[],
  isMember: boolean,
): boolean {
  if (isMember && mayMembers(right, channel)) return true;
  if (isGranted(grants, right, channel)) return true;
  return right === 'subscribe' && (channel === 'broadcast' || channel === inboxOf(user));
}

/** True if the members of this channel have the right, so that a membership is worth asking for. */
export function mayMembers(right: ChannelRight, channel: string): boolean {
  return right !== 'join' && channelKind(channel) === 'group';
}
