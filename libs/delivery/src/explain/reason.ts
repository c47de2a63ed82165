import type { z } from 'zod';
import type { MessageStatus } from '#message-persistence';
import type { MessageRecord, rest } from '#protocol';

/** Holds all that decides why a message is in its present state for one device. */
export interface Part {
  readonly recipient: MessageStatus['recipients'][number];
  readonly isOnline: boolean;
  /** The attempts to deliver this message to this device, oldest first. */
  readonly attempts: readonly z.infer<typeof rest.Attempt>[];
  readonly message: Pick<MessageRecord, 'channel' | 'seq' | 'expiresAt'>;
  readonly replacedBy?: MessageStatus['replacedBy'];
  /** Texts about a user without devices, or about an ended session, that can follow a comma or semicolon. */
  readonly hints?: { readonly absence?: string | undefined; readonly session?: string | undefined };
}

export interface Reason {
  readonly cause: z.infer<typeof rest.DeliveryCause>;
  /** The cause in words. */
  readonly reason: string;
}

export function reasonOf(part: Part): Reason {
  const { status } = part.recipient;
  switch (status) {
    case 'read':
    case 'delivered':
      return { cause: status, reason: howDelivered(part) };
    case 'expired':
      return { cause: status, reason: `expired at ${endOf(part)}; until then ${whyNotYet(part).reason}` };
    case 'cancelled':
      return { cause: status, reason: `cancelled at ${endOf(part)} by its publisher` };
    case 'collapsed':
      return { cause: status, reason: byWhat(part) };
    case 'left':
      return { cause: status, reason: whenLeft(part) };
    case 'dead':
      return { cause: status, reason: howDied(part) };
    case 'sent':
    case 'queued':
      return whyNotYet(part);
  }
}

function endOf({ message }: Part): string {
  return message.expiresAt ?? 'its end';
}

function howDelivered({ recipient, attempts, message }: Part): string {
  const done = attempts.find(({ outcome }) => outcome === 'acknowledged');
  const suffix = recipient.status === 'read' ? ' and read' : '';
  const how = done ? `acknowledged${suffix}, at ${done.settledAt} on ${done.instanceId}` : `acknowledged${suffix}`;
  const left = recipient.left_at
    ? `; ${recipient.user_id} left ${message.channel} later, at ${recipient.left_at.toISOString()}`
    : '';
  return how + left + (recipient.is_known ? '' : '; the device has been forgotten since');
}

function byWhat({ message, replacedBy }: Part): string {
  if (!replacedBy) return 'a newer message of the same collapse key took its place while the device was away';
  const { id, seq } = replacedBy;
  return `collapsed by ${message.channel}#${seq} (${id}): a newer message of the same collapse key took its place while the device was away`;
}

function whenLeft({ recipient, message }: Part): string {
  const { user_id, device_id, left_at } = recipient;
  const at = left_at === null ? '' : ` at ${left_at.toISOString()}`;
  const before = device_id === null ? 'had connected' : `acknowledged it on ${device_id}`;
  return `${user_id} left ${message.channel}${at}, before it ${before}`;
}

function howDied({ recipient, attempts }: Part): string {
  const { requeued_as, purged_at } = recipient;
  const last = attempts.at(-1)?.error ?? 'not acknowledged';
  const then = requeued_as === null ? '' : `; requeued, as message ${requeued_as}`;
  const gone = purged_at === null ? '' : `; taken off the list of dead letters at ${purged_at.toISOString()}`;
  return `given up after too many attempts; the last: ${last}${then}${gone}`;
}

function whyNotYet(part: Part): Reason {
  const { user_id, device_id } = part.recipient;
  if (device_id === null)
    return { cause: 'never-connected', reason: part.hints?.absence ?? `${user_id} has never connected` };
  const device = `device ${device_id}`;
  const failure = part.attempts.findLast(({ outcome }) => outcome === 'timeout' || outcome === 'disconnected');
  const isUnanswered = failure?.outcome === 'timeout';
  if (!part.isOnline) {
    const before = failure?.error ? `; last attempt: ${failure.error}` : '';
    return { cause: isUnanswered ? 'not-acknowledged' : 'offline', reason: whyAway(part, device) + before };
  }
  if (isUnanswered && failure.error)
    return { cause: 'not-acknowledged', reason: `${device} was sent it and does not acknowledge: ${failure.error}` };
  return whyNotYetOnline(part, device);
}

function whyAway({ recipient, hints }: Part, device: string): string {
  if (!recipient.is_known) return `${device} was sent it, did not acknowledge it, and has been forgotten since`;
  const since = recipient.last_seen_at ? ` since ${recipient.last_seen_at.toISOString()}` : '';
  return `${device} offline${since}${hints?.session === undefined ? '' : `; ${hints.session}`}`;
}

function whyNotYetOnline({ recipient, attempts, message }: Part, device: string): Reason {
  const sent = attempts.findLast(({ outcome }) => outcome === 'sent');
  if (sent) return { cause: 'not-acknowledged', reason: `sent to ${device} at ${sent.sentAt}, not acknowledged yet` };
  const before = message.seq - 1 - recipient.acked_seq;
  if (before <= 0) return { cause: 'on-its-way', reason: `${device} is online, and the message on its way to it` };
  const far = `it has acknowledged up to seq ${recipient.acked_seq}, this is seq ${message.seq}`;
  return {
    cause: 'lagging',
    reason: `${device} is online and lags: it has to acknowledge earlier messages first; ${far}`,
  };
}
