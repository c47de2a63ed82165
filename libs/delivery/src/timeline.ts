import type { z } from 'zod';
import type { Registry } from '#connection-manager';
import type { Groups, MessageLog, MessageStatus } from '#message-persistence';
import { channelKind, inboxOf, type rest } from '#protocol';
import { reasonOf, type Reason } from './reason.js';

export type Timeline = z.infer<typeof rest.Timeline>;
type Attempt = z.infer<typeof rest.Attempt>;
type Delivery = Timeline['deliveries'][number];

/** What became of a message for each device, every attempt, and why, in words. */
export class Timelines {
  constructor(
    private readonly log: Pick<MessageLog, 'status'>,
    private readonly registry: Pick<Registry, 'onlineDevices'>,
    private readonly groups: Pick<Groups, 'joinedSeq'>,
  ) {}

  /** @param only this user, also if the message is not for it. Undefined: there is no such message */
  async of(id: string, only?: string): Promise<Timeline | undefined> {
    const status = await this.log.status(id);
    if (!status) return undefined;
    const shown = status.recipients.filter(({ user_id }) => only === undefined || user_id === only);
    const online = await this.registry.onlineDevices([...new Set(shown.map(({ user_id }) => user_id))]);
    const deliveries = shown.map((recipient) => toDelivery(status, recipient, online));
    if (only !== undefined && deliveries.length === 0) deliveries.push(await this.notForThem(status, only));
    return { message: status.message, deliveries };
  }

  private async notForThem(status: MessageStatus, user: string): Promise<Delivery> {
    const reason = await this.whyNot(status, user);
    return { user, deviceId: null, status: 'queued', isOnline: false, ...reason, attempts: [] };
  }

  private async whyNot({ message, controls }: MessageStatus, user: string): Promise<Reason> {
    const { channel, seq } = message;
    if (channelKind(channel) === 'group') {
      const joinedSeq = await this.groups.joinedSeq({ channel, user });
      if (joinedSeq === undefined) return { cause: 'not-a-member', reason: `${user} is not a member of ${channel}` };
      if (joinedSeq >= seq) {
        const reason = `${user} became a member of ${channel} only after this message: behind seq ${joinedSeq}, and it is seq ${seq}`;
        return { cause: 'not-a-member', reason };
      }
    }
    if (controls?.exceptUser === user)
      return { cause: 'not-addressed', reason: `its publisher excepted ${user} (exceptUser)` };
    if (channel === 'broadcast' || channelKind(channel) === 'group' || channel === inboxOf(user))
      return { cause: 'not-addressed', reason: `${user} had no device yet when the message was published` };
    return { cause: 'not-addressed', reason: `the message is not for ${user}` };
  }
}

function toDelivery(status: MessageStatus, recipient: MessageStatus['recipients'][number], online: Set<string>) {
  const { user_id, device_id } = recipient;
  const attempts = status.attempts
    .filter((attempt) => attempt.user_id === user_id && attempt.device_id === device_id)
    .map(toAttempt);
  const isOnline = online.has(`${user_id} ${device_id ?? ''}`);
  const reason = reasonOf({ recipient, isOnline, attempts, message: status.message });
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
