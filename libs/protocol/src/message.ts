import { z } from 'zod';
import { bounded } from './bounded.js';
import { Channel } from './channel.js';

export const TYPE_MAX = 100;
export const TTL_MAX_MS = 365 * 24 * 3_600_000;
export const METADATA_MAX_KEYS = 20;

export const Seq = z.int().min(0).describe('position in the channel; the first message is 1');

/** Only the server itself gives messages a type with this prefix, for example trunkline.receipt. */
export const RESERVED_TYPE_PREFIX = 'trunkline.';

export const MessageType = z.string().min(1).max(TYPE_MAX).describe('what the application calls this kind of message');

export const PublishedType = MessageType.refine(
  (type) => !type.startsWith(RESERVED_TYPE_PREFIX),
  `types beginning with ${RESERVED_TYPE_PREFIX} are the server’s own`,
);

export const Metadata = bounded(
  z.record(z.string().min(1).max(100), z.string().max(1_000)),
  METADATA_MAX_KEYS,
  'entries',
).describe(`short strings beside the body, at most ${METADATA_MAX_KEYS}`);

/** A message as it is delivered. `channel` and `seq` together identify it: dedupe by them. */
export const Message = z
  .strictObject({
    channel: Channel,
    seq: Seq,
    id: z.uuid().describe('names the message in REST'),
    sender: z.string().nullable().describe('the user who published it; null for a back end'),
    type: MessageType,
    data: z.json().describe('the body, in the text that it was published in'),
    metadata: Metadata.optional(),
    createdAt: z.iso
      .datetime()
      .describe(
        'the database’s clock; it never falls along a channel, so it stays ahead for a while when that clock is set back',
      ),
    expiresAt: z.iso
      .datetime()
      .optional()
      .describe('never delivered after this; ttlMs after the present at which it was published'),
  })
  .meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

/** A message that is no longer delivered has ended in one of these ways. */
export const Ending = z.enum(['expired', 'cancelled', 'collapsed']);

/** A message as operators and back ends see it, which includes one that has ended, without its body. */
export const MessageRecord = z
  .strictObject({
    ...Message.shape,
    data: Message.shape.data.optional().describe('the body; left out once the message has ended'),
    ended: Ending.optional().describe(
      'left out while it is handed out; `collapsed`: a newer message of its key is, to whoever was away',
    ),
  })
  .meta({ id: 'MessageRecord' });
export type MessageRecord = z.infer<typeof MessageRecord>;
