import { z } from 'zod';
import { Channel, GroupChannel, faultParams } from './channel.js';
import { Message, MessageType, Metadata, Seq, TTL_MAX_MS } from './message.js';

export const PUBLISH_ID_MAX = 100;
export const HISTORY_LIMIT_MAX = 500;

const ttlMs = z
  .unknown()
  .refine((value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= TTL_MAX_MS, {
    error: `must be a whole number of milliseconds from 1 to ${TTL_MAX_MS}`,
    ...faultParams('BAD_TTL'),
  })
  .transform((value) => value as number)
  .meta({ type: 'integer', minimum: 1, maximum: TTL_MAX_MS })
  .describe('how long the message may be delivered, by the database’s clock');

export const Publish = z
  .strictObject({
    channel: Channel,
    type: MessageType,
    data: z
      .unknown()
      .refine((value) => value !== undefined, 'required')
      .describe('the body, any JSON'),
    metadata: Metadata.optional(),
    ttlMs: ttlMs.optional(),
    publishId: z
      .string()
      .min(1)
      .max(PUBLISH_ID_MAX)
      .optional()
      .describe(
        'chosen by the publisher; repeated with the same id, a publish stores one message and gives the same answer',
      ),
  })
  .meta({ id: 'Publish' });
export type Publish = z.infer<typeof Publish>;

export const Published = z
  .strictObject({
    id: z.uuid(),
    channel: Channel,
    seq: Seq,
    createdAt: z.iso.datetime(),
    repeated: z.boolean().optional().describe('true if this publish id had been stored before'),
  })
  .meta({ id: 'Published' });
export type Published = z.infer<typeof Published>;

export const Ack = z
  .record(Channel, Seq)
  .refine((value) => Object.keys(value).length <= 1_000, 'at most 1000 channels')
  .describe('for each channel, everything up to this seq is processed');
export type Ack = z.infer<typeof Ack>;

const ChannelOnly = z.strictObject({ channel: Channel });
const GroupOnly = z.strictObject({ channel: GroupChannel });

export const History = z.strictObject({
  channel: Channel,
  afterSeq: Seq.optional().describe('the page begins behind this seq (default 0)'),
  limit: z.int().min(1).max(HISTORY_LIMIT_MAX).optional().describe(`default 100, at most ${HISTORY_LIMIT_MAX}`),
});

/**
 * Client → server. Each is answered through the Socket.IO acknowledgement: `{ok:true, …result}` or `{ok:false, error}`.
 */
export const REQUESTS = {
  publish: {
    does: 'Stores a message and answers once it is committed. Needs the right `publish:<channel>`, or membership of the group.',
    payload: Publish,
    result: Published,
  },
  ack: {
    does: 'Acknowledges, cumulatively, what the application has processed. Answered once the position is stored. Send the `ack` of the last packet; several a second are enough.',
    payload: Ack,
    result: z.strictObject({}),
  },
  subscribe: {
    does: 'Reads a channel live on this connection, without membership. Nothing is kept for the time away. Needs the right `subscribe:<channel>`.',
    payload: z.strictObject({
      channel: Channel,
      sinceSeq: Seq.optional().describe('deliver from behind this seq; left out: only what comes from now on'),
    }),
    result: z.strictObject({ channel: Channel, seq: Seq, lastSeq: Seq }),
  },
  unsubscribe: {
    does: 'Ends a `subscribe`.',
    payload: ChannelOnly,
    result: z.strictObject({ channel: Channel }),
  },
  join: {
    does: 'Makes the user a member of a group, on all its devices, until it leaves: from now on nothing of it is missed. Needs the right `join:<channel>`.',
    payload: GroupOnly,
    result: z.strictObject({ channel: Channel, seq: Seq.describe('membership begins behind this seq') }),
  },
  leave: {
    does: 'Ends the membership, on all devices of the user.',
    payload: GroupOnly,
    result: z.strictObject({ channel: Channel }),
  },
  history: {
    does: 'A page of a channel that this connection reads or may subscribe to. Expired messages are left out.',
    payload: History,
    result: z.strictObject({
      channel: Channel,
      messages: z.array(Message),
      lastSeq: Seq,
      nextAfterSeq: Seq.nullable().describe('pass as afterSeq for the next page; null at the end'),
    }),
  },
} as const;

export type RequestName = keyof typeof REQUESTS;
export type RequestPayload<N extends RequestName> = z.infer<(typeof REQUESTS)[N]['payload']>;
export type RequestResult<N extends RequestName> = z.infer<(typeof REQUESTS)[N]['result']>;
