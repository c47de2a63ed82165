import { z } from 'zod';
import { Channel, UserId } from './channel.js';
import { Seq } from './message.js';

/** A publisher may be told that a reader has received or has read its messages. */
export const ReceiptState = z.enum(['delivered', 'read']);

/** The body of a message of the type `trunkline.receipt`. */
export const Receipt = z
  .strictObject({
    state: ReceiptState,
    channel: Channel.describe('where the messages are'),
    seq: Seq.describe(
      'the newest of the own messages that asked for this and that the reader has received or read; it counts for all before it, too',
    ),
    user: UserId.describe('the reader, whichever device it was on'),
    at: z.iso.datetime().describe('when the reader’s device said so, by the database’s clock'),
  })
  .meta({ id: 'Receipt' });
export type Receipt = z.infer<typeof Receipt>;
