import type { z } from 'zod';
import type { MessageStatus } from '#message-persistence';
import type { rest } from '#protocol';

type Attempt = z.infer<typeof rest.Attempt>;
type Timeline = Omit<z.infer<typeof rest.TimelineAnswer>, 'ok'>;
type Recipient = MessageStatus['recipients'][number];

/** One device's part in a message, with what decides the reason. */
interface Part {
  readonly recipient: Recipient;
  readonly isOnline: boolean;
  readonly attempts: readonly Attempt[];
  readonly expiresAt: string | undefined;
}

/** What became of a message for each device, and why, in words. @param online `user device` of those connected now */
export function toTimeline(status: MessageStatus, online: ReadonlySet<string>, only?: string): Timeline {
  const { message, recipients } = status;
  const attempts = status.attempts.map(toAttempt);
  const shown = recipients.filter(({ user_id }) => only === undefined || user_id === only);
  const deliveries = shown.map((recipient) => {
    const own = attempts.filter(({ user, deviceId }) => user === recipient.user_id && deviceId === recipient.device_id);
    const isOnline = online.has(`${recipient.user_id} ${recipient.device_id ?? ''}`);
    const reason = reasonOf({ recipient, isOnline, attempts: own, expiresAt: message.expiresAt });
    return {
      user: recipient.user_id,
      deviceId: recipient.device_id,
      status: recipient.status,
      isOnline,
      reason,
      attempts: own,
    };
  });
  if (only !== undefined && deliveries.length === 0) deliveries.push(notForThem(message.channel, only));
  return { message, deliveries };
}

function notForThem(channel: string, user: string): Timeline['deliveries'][number] {
  const reason = channel.startsWith('group:')
    ? `${user} is not a member of ${channel}, or became one after this message`
    : `the message is not for ${user}`;
  return { user, deviceId: null, status: 'queued', isOnline: false, reason, attempts: [] };
}

function reasonOf(part: Part): string {
  const { recipient, attempts, expiresAt = 'its end' } = part;
  const last = attempts.at(-1);
  switch (recipient.status) {
    case 'read':
    case 'delivered':
      return howDelivered(part);
    case 'expired':
      return `expired at ${expiresAt}; until then ${whyNotYet(part)}`;
    case 'cancelled':
      return `cancelled at ${expiresAt} by its publisher`;
    case 'collapsed':
      return 'a newer message of the same collapse key took its place while the device was away';
    case 'dead':
      return `given up after too many attempts; the last: ${last?.error ?? 'not acknowledged'}`;
    case 'sent':
    case 'queued':
      return whyNotYet(part);
  }
}

function howDelivered({ recipient, attempts }: Part): string {
  const done = attempts.find(({ outcome }) => outcome === 'acknowledged');
  const suffix = recipient.status === 'read' ? ' and read' : '';
  return done ? `acknowledged${suffix}, at ${done.settledAt} on ${done.instanceId}` : `acknowledged${suffix}`;
}

function whyNotYet({ recipient, isOnline, attempts }: Part): string {
  const { user_id, device_id, last_seen_at } = recipient;
  if (device_id === null) return `${user_id} has never connected`;
  const device = `device ${device_id}`;
  const failure = attempts.findLast(({ outcome }) => outcome === 'timeout' || outcome === 'disconnected')?.error;
  if (!isOnline) {
    const since = last_seen_at ? ` since ${last_seen_at.toISOString()}` : '';
    return `${device} offline${since}${failure ? `; last attempt: ${failure}` : ''}`;
  }
  if (failure) return failure;
  if (attempts.length > 0) return `sent to ${device} at ${attempts.at(-1)?.sentAt ?? ''}, not acknowledged yet`;
  return `${device} is online and lags: it has to acknowledge earlier messages first`;
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
