import { statement } from '#database';
import type { ReadRow } from './read-channels.sql.js';

export type FoundRow = ReadRow & { channel: string; is_expired: boolean };

/** By messages_id_idx in every partition: an id says nothing certain about the database's clock. */
export const FIND_MESSAGE = statement<FoundRow>(
  'find_message',
  `select channel, seq, id, sender, type, body, metadata, controls, created_at, expires_at,
          coalesce(expires_at <= clock_timestamp(), false) as is_expired
     from trunkline.messages where id = $1`,
);
