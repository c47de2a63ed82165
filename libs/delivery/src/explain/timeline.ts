import type { z } from 'zod';
import type { Registry, Sessions } from '#connection-manager';
import type { Audience, MessageLog, MessageStatus, UserPart } from '#message-persistence';
import { channelKind, userOf, type rest } from '#protocol';
import { absenceOf, whyNotDevice, whyNotUser } from './not-addressed.js';
import { reasonOf, type Reason } from './reason.js';

export type Timeline = z.infer<typeof rest.Timeline>;
type Attempt = z.infer<typeof rest.Attempt>;
type Delivery = Timeline['deliveries'][number];
type Recipient = MessageStatus['recipients'][number];

/** A user and what is known about it, which is looked up only if a timeline is about this user alone. */
interface Subject {
  readonly user: string;
  readonly part: UserPart;
  readonly absence: string | undefined;
  /** Maps each device whose session has ended to a text that says so. */
  readonly endedSessions: ReadonlyMap<string, string>;
}

/** Tells what became of a message for each device, with every attempt and the reason in words. */
export class Timelines {
  constructor(
    private readonly log: Pick<MessageLog, 'status'>,
    private readonly registry: Pick<Registry, 'onlineDevices'>,
    private readonly audience: Audience,
    private readonly sessions: Pick<Sessions, 'list'>,
  ) {}

  /**
   * Makes the timeline of a message; undefined means that there is no such message.
   * @param only the one user to tell about, even if the message is not for that user
   */
  async of(id: string, only?: string): Promise<Timeline | undefined> {
    const status = await this.log.status(id);
    if (!status) return undefined;
    const shown = status.recipients.filter(({ user_id }) => only === undefined || user_id === only);
    const users = [...new Set(only === undefined ? shown.map(({ user_id }) => user_id) : [only])];
    const [online, subject] = await Promise.all([
      this.registry.onlineDevices(users),
      users[0] !== undefined && users.length === 1 ? this.subject(status, users[0]) : undefined,
    ]);
    const deliveries = shown.map((recipient) => toDelivery(status, recipient, online, subject));
    if (only !== undefined && subject) deliveries.push(...(await this.notForThem(status, shown, subject)));
    const forNobody = deliveries.length === 0 ? await this.whyNobody(status) : null;
    return { message: status.message, forNobody, deliveries };
  }

  private async subject({ message }: MessageStatus, user: string): Promise<Subject> {
    const [part, sessions] = await Promise.all([
      this.audience.partOf(user, message.channel, message.seq),
      this.sessions.list(user),
    ]);
    const endedSessions = new Map<string, string>();
    // Open sessions come first, then the newest. They are walked backwards, so that the first of each device decides.
    for (const { device_id, ended_at, end_reason } of sessions.toReversed()) {
      if (ended_at) endedSessions.set(device_id, `its session ended at ${ended_at.toISOString()} (${end_reason})`);
      else endedSessions.delete(device_id);
    }
    return { user, part, absence: absenceOf(user, part, sessions.length > 0), endedSessions };
  }

  /** Tells about the devices of the user that the message is not for, or about the user if it is for none of them. */
  private async notForThem(status: MessageStatus, shown: readonly Recipient[], subject: Subject): Promise<Delivery[]> {
    const { user, part } = subject;
    if (shown.length === 0) {
      const reason = await this.whyNotUser(status, subject);
      if (reason.cause !== 'newer-device' || part.devices.length === 0) return [notAddressed(user, null, reason)];
    }
    return part.devices
      .filter(({ device_id }) => !shown.some((recipient) => recipient.device_id === device_id))
      .map((device) => notAddressed(user, device.device_id, whyNotDevice(status, user, device, part)));
  }

  private async whyNotUser(status: MessageStatus, { user, part, absence }: Subject): Promise<Reason> {
    const owner = userOf(status.message.channel);
    const reason = whyNotUser(status, user, part, absence);
    if (owner === undefined || owner === user) return reason;
    const ownerSubject = await this.subject(status, owner);
    return ownerSubject.absence === undefined
      ? reason
      : { ...reason, reason: `${reason.reason}; ${ownerSubject.absence}` };
  }

  private async whyNobody({ message, controls }: MessageStatus): Promise<Reason> {
    const { channel, seq } = message;
    if (channel === 'broadcast') return { cause: 'no-devices', reason: 'no user had a device when it was published' };
    if (channelKind(channel) !== 'group')
      return { cause: 'no-devices', reason: `${userOf(channel)} has no device that is as old as the message` };
    const { hasMembers, hadMembers } = await this.audience.membersOf(channel, seq);
    if (hadMembers) {
      const except = controls?.exceptUser === undefined ? '' : `, and ${controls.exceptUser} was excepted (exceptUser)`;
      return { cause: 'not-addressed', reason: `${channel} had no other members when it was published${except}` };
    }
    const now = hasMembers ? 'those it has now joined later' : 'and it has none now: is its name right?';
    return { cause: 'no-members', reason: `${channel} had no members when it was published, ${now}` };
  }
}

function notAddressed(user: string, deviceId: string | null, reason: Reason): Delivery {
  return { user, deviceId, status: 'not-addressed', isOnline: false, ...reason, attempts: [] };
}

function toDelivery(
  status: MessageStatus,
  recipient: Recipient,
  online: Set<string>,
  subject: Subject | undefined,
): Delivery {
  const { user_id, device_id } = recipient;
  const { message, replacedBy } = status;
  const attempts = status.attempts
    .filter((attempt) => attempt.user_id === user_id && attempt.device_id === device_id)
    .map(toAttempt);
  const isOnline = online.has(`${user_id} ${device_id ?? ''}`);
  const hints = { absence: subject?.absence, session: subject?.endedSessions.get(device_id ?? '') };
  const reason = reasonOf({ recipient, isOnline, attempts, message, replacedBy, hints });
  return { user: user_id, deviceId: device_id, status: recipient.status, isOnline, ...reason, attempts };
}

export function toAttempt(row: MessageStatus['attempts'][number]): Attempt {
  return {
    user: row.user_id,
    deviceId: row.device_id,
    connectionId: row.connection_id,
    instanceId: row.instance_id,
    attempt: row.attempt,
    sentAt: row.sent_at.toISOString(),
    settledAt: row.settled_at.toISOString(),
    outcome: row.outcome,
    error: row.error,
  };
}
