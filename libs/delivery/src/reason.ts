import type { z } from 'zod';
import type { MessageStatus } from '#message-persistence';
import type { Message, rest } from '#protocol';

/** One device's part in a message: all that decides why it is where it is. */
export interface Part {
  readonly recipient: MessageStatus['recipients'][number];
  readonly isOnline: boolean;
  /** Of this message to this device, oldest first. */
  readonly attempts: readonly z.infer<typeof rest.Attempt>[];
  readonly message: Pick<Message, 'seq' | 'expiresAt'>;
}

export interface Reason {
  readonly cause: z.infer<typeof rest.DeliveryCause>;
  /** The same in words. */
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
      return {
        cause: status,
        reason: 'a newer message of the same collapse key took its place while the device was away',
      };
    case 'dead': {
      const last = part.attempts.at(-1)?.error ?? 'not acknowledged';
      return { cause: status, reason: `given up after too many attempts; the last: ${last}` };
    }
    case 'sent':
    case 'queued':
      return whyNotYet(part);
  }
}

function endOf({ message }: Part): string {
  return message.expiresAt ?? 'its end';
}

function howDelivered({ recipient, attempts }: Part): string {
  const done = attempts.find(({ outcome }) => outcome === 'acknowledged');
  const suffix = recipient.status === 'read' ? ' and read' : '';
  return done ? `acknowledged${suffix}, at ${done.settledAt} on ${done.instanceId}` : `acknowledged${suffix}`;
}

function whyNotYet(part: Part): Reason {
  const { user_id, device_id, last_seen_at } = part.recipient;
  if (device_id === null) return { cause: 'never-connected', reason: `${user_id} has never connected` };
  const device = `device ${device_id}`;
  const failure = part.attempts.findLast(({ outcome }) => outcome === 'timeout' || outcome === 'disconnected');
  const isUnanswered = failure?.outcome === 'timeout';
  if (!part.isOnline) {
    const since = last_seen_at ? ` since ${last_seen_at.toISOString()}` : '';
    const before = failure?.error ? `; last attempt: ${failure.error}` : '';
    return { cause: isUnanswered ? 'not-acknowledged' : 'offline', reason: `${device} offline${since}${before}` };
  }
  if (isUnanswered && failure.error)
    return { cause: 'not-acknowledged', reason: `${device} was sent it and does not acknowledge: ${failure.error}` };
  return whyNotYetOnline(part, device);
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
