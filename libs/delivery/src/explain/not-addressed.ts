import type { MessageStatus, UserPart } from '#message-persistence';
import { channelKind, userOf } from '#protocol';
import type { Reason } from './reason.js';

type Addressed = Pick<MessageStatus, 'message' | 'controls'>;
type Device = UserPart['devices'][number];

/** Says that the user was never seen or has no device, and who may have been meant; undefined if it has a device. */
export function absenceOf(user: string, part: UserPart, hasSession: boolean): string | undefined {
  if (part.devices.length > 0) return undefined;
  if (hasSession) return `${user} has no device: none was ever registered, or all were forgotten after their time away`;
  const similar = part.similar_user === null ? '' : `; there is a user ${part.similar_user}: ids differ in case, too`;
  return `no user ${user} has ever been seen: it has no device and no session${similar}`;
}

/** Tells why a message is not for a user at all. */
export function whyNotUser({ message, controls }: Addressed, user: string, part: UserPart, absence?: string): Reason {
  const { channel } = message;
  if (controls?.exceptUser === user)
    return { cause: 'not-addressed', reason: `its publisher excepted ${user} (exceptUser)` };
  const owner = userOf(channel);
  if (owner !== undefined && owner !== user) return { cause: 'not-addressed', reason: whoElse(owner, user) };
  const membership = channelKind(channel) === 'group' ? whyNotMember(message, user, part) : undefined;
  if (membership !== undefined)
    return { cause: 'not-a-member', reason: absence === undefined ? membership : `${membership}; ${absence}` };
  if (absence !== undefined) return { cause: 'never-connected', reason: absence };
  const first = part.devices[0];
  const since = first ? `: ${first.device_id} was first seen at ${first.created_at.toISOString()}` : '';
  return { cause: 'newer-device', reason: `${user} had no device yet when the message was published${since}` };
}

function whoElse(owner: string, user: string): string {
  const isSimilar = owner.toLowerCase() === user.toLowerCase();
  return `the message is for ${owner}, not for ${user}${isSimilar ? ': ids differ in case, too' : ''}`;
}

/** Tells why the user was no member when the message was published; undefined means that it was one. */
function whyNotMember({ channel, seq }: Addressed['message'], user: string, part: UserPart): string | undefined {
  const { joined_seq, left_seq, left_at } = part;
  const left =
    left_at && left_seq !== null && left_seq < seq ? `left ${channel} at ${left_at.toISOString()}` : undefined;
  if (joined_seq !== null && joined_seq < seq) return undefined;
  if (joined_seq !== null) {
    const again = left === undefined ? 'became' : `${left} and became`;
    return `${user} ${again} a member of ${channel} only after this message: behind seq ${joined_seq}, and it is seq ${seq}`;
  }
  if (left !== undefined) return `${user} ${left}, before this message: behind seq ${left_seq}, and it is seq ${seq}`;
  if (left_at)
    return `${user} is not a member of ${channel}: it was one after this message, and left at ${left_at.toISOString()}`;
  const others = part.had_members ? '' : '; nobody was: is the name of the group right?';
  return `${user} is not a member of ${channel}, and was none when it was published${others}`;
}

/** Tells why a message for a user is not for this one of its devices. */
export function whyNotDevice({ message, controls }: Addressed, user: string, device: Device, part: UserPart): Reason {
  const name = `device ${device.device_id}`;
  const first = `${name} was first seen at ${device.created_at.toISOString()}`;
  if (part.taken_by !== null && part.taken_by !== device.device_id) {
    const reason = `the message is for one device of ${user} (deliverTo first-device), and ${part.taken_by} took it`;
    return { cause: 'not-addressed', reason };
  }
  if (message.expiresAt !== undefined && device.created_at.getTime() >= Date.parse(message.expiresAt))
    return { cause: 'newer-device', reason: `${first}, after the message had ended at ${message.expiresAt}` };
  if ((device.started_seq ?? 0) >= message.seq)
    return {
      cause: 'newer-device',
      reason: `${first}, and began behind seq ${device.started_seq} of ${message.channel}`,
    };
  return { cause: 'not-addressed', reason: whyExcepted({ message, controls }, user, device.device_id) };
}

function whyExcepted({ message, controls }: Addressed, user: string, deviceId: string): string {
  const excepted = controls?.exceptDevice;
  if (excepted?.user === user && excepted.deviceId === deviceId)
    return `its publisher excepted device ${deviceId} (exceptDevice)`;
  if (message.sender === user && controls?.exceptConnection !== undefined)
    return `device ${deviceId} published it and wanted no copy (exceptConnection)`;
  return `the message is not for device ${deviceId}`;
}
