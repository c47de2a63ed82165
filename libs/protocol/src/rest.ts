import { z } from 'zod';
import { Channel, isDotSegment, UserId } from './channel.js';
import {
  BackendPublish,
  Cancelled,
  HISTORY_LIMIT,
  HISTORY_LIMIT_MAX,
  HistoryOrder,
  HistoryPage,
  HistoryTime,
  Published,
  Scheduled,
} from './client-requests.js';
import { MessageRecord, Seq } from './message.js';
import { ChannelPresence, UserPresence } from './presence.js';

export const REST_BATCH_MAX = 1_000;

export const WireErrorShape = z
  .strictObject({ code: z.int(), message: z.string(), retryable: z.boolean() })
  .meta({ id: 'Error' });

export const Failure = z.strictObject({ ok: z.literal(false), error: WireErrorShape }).meta({ id: 'Failure' });

/** The body of `POST /v1/messages` is one message, or a batch in which each item succeeds or fails alone. */
export const PublishOne = BackendPublish;
export const PublishBatch = z.strictObject({ messages: z.array(z.unknown()).min(1) }).meta({ id: 'PublishBatch' });

const ok = { ok: z.literal(true) };
export const PublishedAnswer = z.strictObject({ ...ok, ...Published.shape });
export const PublishedBatchAnswer = z.strictObject({
  ...ok,
  results: z.array(z.union([PublishedAnswer, Failure])).describe('one for each item, in its place'),
});

export const ScheduledAnswer = z.strictObject({ ...ok, ...Scheduled.shape });
export const CancelledAnswer = z.strictObject({ ...ok, ...Cancelled.shape });

export const Attempt = z
  .strictObject({
    user: z.string(),
    deviceId: z.string(),
    connectionId: z.string(),
    instanceId: z.string(),
    attempt: z.int(),
    sentAt: z.iso.datetime(),
    settledAt: z.iso.datetime().describe('when it ended thus; of one that is awaited, when that was written down'),
    outcome: z
      .enum(['sent', 'acknowledged', 'timeout', 'disconnected'])
      .describe('sent: its acknowledgement is awaited'),
    error: z.string().nullable(),
  })
  .meta({ id: 'Attempt' });

export const DeliveryStatus = z.enum([
  'queued',
  'sent',
  'delivered',
  'read',
  'expired',
  'cancelled',
  'collapsed',
  'left',
  'dead',
]);

const Delivery = z.strictObject({
  user: z.string(),
  deviceId: z.string().nullable().describe('null: the user has no device yet'),
  status: DeliveryStatus,
});

export const MessageStatusAnswer = z.strictObject({
  ...ok,
  message: MessageRecord,
  isExpired: z.boolean(),
  recipients: z.array(Delivery).describe('the devices it is for, at most 1000'),
  attempts: z.array(Attempt).describe('oldest first, at most 1000'),
});

/** The cause of the status that a message has for one device. */
export const DeliveryCause = z.enum([
  'delivered',
  'read',
  'on-its-way',
  'offline',
  'never-connected',
  'not-acknowledged',
  'lagging',
  'expired',
  'cancelled',
  'collapsed',
  'dead',
  'left',
  'not-a-member',
  'newer-device',
  'not-addressed',
  'no-members',
  'no-devices',
]);

const Reason = z.strictObject({ cause: DeliveryCause, reason: z.string().describe('the cause in words') });

export const Timeline = z.strictObject({
  message: MessageRecord,
  forNobody: Reason.nullable().describe('why there is no delivery at all; null: there is one'),
  deliveries: z
    .array(
      z.strictObject({
        ...Delivery.shape,
        status: z
          .enum([...DeliveryStatus.options, 'not-addressed'])
          .describe('not-addressed: the message is not for this user or device, but was asked about'),
        isOnline: z.boolean(),
        ...Reason.shape,
        attempts: z.array(Attempt),
      }),
    )
    .describe('for each device what became of the message, and why'),
});
export const TimelineAnswer = z.strictObject({ ...ok, ...Timeline.shape });

export const DeadLettersQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export const DeadLetter = z
  .strictObject({
    messageId: z.uuid(),
    channel: Channel,
    seq: Seq,
    user: z.string(),
    deviceId: z.string(),
    attempts: z.int(),
    error: z.string().nullable(),
    diedAt: z.iso.datetime(),
  })
  .meta({ id: 'DeadLetter' });
export const DeadLettersAnswer = z.strictObject({ ...ok, deadLetters: z.array(DeadLetter).describe('oldest first') });
export const RequeuedAnswer = z.strictObject({
  ...ok,
  requeued: z.int().describe('copies put into inboxes, one a user'),
});

export const ConnectionView = z
  .strictObject({
    connectionId: z.string(),
    instanceId: z.string(),
    deviceId: z.string(),
    connectedAt: z.iso.datetime(),
    address: z.string().nullable(),
  })
  .meta({ id: 'Connection' });

export const ConnectionsAnswer = z.strictObject({ ...ok, user: z.string(), connections: z.array(ConnectionView) });

export const PresenceAnswer = z.strictObject({ ...ok, ...ChannelPresence.shape });
export const UserPresenceAnswer = z.strictObject({ ...ok, ...UserPresence.shape });

export const SessionId = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters')
  .refine((id) => !isDotSegment(id), 'must not be . or ..')
  .describe('the `sid` of the tokens, or `device:<deviceId>` for tokens without one');

export const SessionView = z
  .strictObject({
    sessionId: z.string(),
    deviceId: z.string(),
    startedAt: z.iso.datetime(),
    lastActivityAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().describe('the end of the newest of its tokens'),
    endedAt: z.iso.datetime().nullable().describe('null: it is open'),
    endReason: z.enum(['logout', 'revoked', 'expired', 'inactive']).nullable(),
    openConnections: z.int().describe('now, on all instances'),
    connections: z.int().describe('so far; instance, address and user agent are those of the newest'),
    instanceId: z.string(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'Session' });

export const SessionsAnswer = z.strictObject({
  ...ok,
  user: z.string(),
  sessions: z.array(SessionView).describe('open ones first, then the newest; at most 500'),
});
export const SessionEndedAnswer = z.strictObject({ ...ok, user: z.string(), sessionId: z.string() });
export const SessionsEndedAnswer = z.strictObject({
  ...ok,
  user: z.string(),
  ended: z.int().describe('sessions that were open'),
});

const queryNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

export const PageQuery = z.strictObject({
  after: queryNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('only what stands behind this seq'),
  before: queryNumber(0, Number.MAX_SAFE_INTEGER).optional().describe('only what stands before this seq'),
  from: HistoryTime.optional().describe('only what was published then or later'),
  to: HistoryTime.optional().describe('only what was published before'),
  order: HistoryOrder.optional(),
  limit: queryNumber(1, HISTORY_LIMIT_MAX).default(HISTORY_LIMIT),
  include: z.enum(['gone']).optional().describe('also what expired, was cancelled or collapsed, without its body'),
});

export const PageAnswer = z.strictObject({ ...ok, ...HistoryPage.shape, messages: z.array(MessageRecord) });

export const MemberAnswer = z.strictObject({ ...ok, channel: Channel, user: UserId, seq: Seq.optional() });
