import { z } from 'zod';
import { Channel, Identifier } from './channel.js';
import { Message, Seq } from './message.js';
import { HISTORY_LIMIT_MAX, Publish, Published } from './request.js';

export const REST_BATCH_MAX = 1_000;

export const WireErrorShape = z
  .strictObject({ code: z.int(), message: z.string(), retryable: z.boolean() })
  .meta({ id: 'Error' });

export const Failure = z.strictObject({ ok: z.literal(false), error: WireErrorShape }).meta({ id: 'Failure' });

/** `POST /v1/messages`: one message, or a batch in which each item succeeds or fails alone. */
export const PublishOne = Publish;
export const PublishBatch = z.strictObject({ messages: z.array(z.unknown()).min(1) }).meta({ id: 'PublishBatch' });

const ok = { ok: z.literal(true) };
export const PublishedAnswer = z.strictObject({ ...ok, ...Published.shape });
export const PublishedBatchAnswer = z.strictObject({
  ...ok,
  results: z.array(z.union([PublishedAnswer, Failure])).describe('one for each item, in its place'),
});

export const Attempt = z
  .strictObject({
    user: z.string(),
    deviceId: z.string(),
    connectionId: z.string(),
    instanceId: z.string(),
    attempt: z.int(),
    sentAt: z.iso.datetime(),
    settledAt: z.iso.datetime(),
    outcome: z.enum(['acknowledged', 'timeout', 'disconnected']),
    error: z.string().nullable(),
  })
  .meta({ id: 'Attempt' });

export const MessageStatusAnswer = z.strictObject({
  ...ok,
  message: Message,
  isExpired: z.boolean(),
  recipients: z
    .array(
      z.strictObject({
        user: z.string(),
        deviceId: z.string(),
        status: z.enum(['pending', 'delivered', 'expired']),
      }),
    )
    .describe('the devices known for the channel’s users, at most 1000'),
  attempts: z.array(Attempt).describe('oldest first, at most 1000'),
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

export const PageQuery = z.strictObject({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(HISTORY_LIMIT_MAX).default(100),
});

export const PageAnswer = z.strictObject({
  ...ok,
  channel: Channel,
  messages: z.array(Message),
  lastSeq: Seq,
  nextAfterSeq: Seq.nullable(),
});

export const MemberAnswer = z.strictObject({ ...ok, channel: Channel, user: Identifier, seq: Seq.optional() });
