import { statement } from '#database';
import type { ReadRow } from './read-channels.sql.js';
import { unavailableReason } from './unavailable-reason.sql.js';

export type FoundRow = Omit<ReadRow, 'ord' | 'last_seq' | 'epoch' | 'read_at_ms' | 'seq'> & {
  channel: string;
  seq: number;
  is_expired: boolean;
  /** The message that devices which were away get instead; null means there is none, or it is no longer stored. */
  replaced_by: string | null;
  replaced_by_seq: number | null;
};

/**
 * Finds message $1 by messages_id_idx in every partition, because an id says nothing certain about the database's
 * clock. Of the newer messages of its collapse key, found by messages_collapse_key_idx, the newest that is still handed
 * out replaces it; if none is handed out, the newest of all does.
 */
export const FIND_MESSAGE = statement<FoundRow>(
  'find_message',
  'work',
  `select n.channel, n.seq, n.id, n.sender, n.type, case when n.gone is null then n.body end as body, n.metadata,
          n.controls, n.gone, n.created_at, n.expires_at, coalesce(n.expires_at <= clock_timestamp(), false) as is_expired,
          r.id as replaced_by, r.seq as replaced_by_seq
     from (select n.*, ${unavailableReason()} as gone from trunkline.messages n where n.id = $1) as n
     left join lateral (
          select newer.id, newer.seq from trunkline.messages newer
           where newer.channel = n.channel and newer.controls ->> 'collapseKey' = n.controls ->> 'collapseKey'
             and newer.controls ->> 'collapseBy' is not distinct from n.controls ->> 'collapseBy' and newer.seq > n.seq
           order by newer.controls ->> 'cancelled' is null
                    and (newer.expires_at is null or newer.expires_at > clock_timestamp()) desc, newer.seq desc
           limit 1) as r on n.controls ->> 'collapseKey' is not null`,
);
