import { statement } from '#database';
import type { ReadRow } from '../../log/sql/read-channels.sql.js';
import { unavailableReason } from '../../log/sql/unavailable-reason.sql.js';

export type SearchRow = Pick<ReadRow, 'id' | 'sender' | 'type' | 'gone' | 'created_at' | 'expires_at'> & {
  channel: string;
  seq: number;
  /** `created_at` as text, with its microseconds. */
  created_at_exactly: string;
  is_match: boolean;
};

/**
 * Finds messages from $1 to $2, of channel $3, of sender $4 and in a channel of recipient $5, after the message with
 * time $7 and id $8, the newest first, at most $9. `is_match` tells whether a message is for $5 and in state $6; a null
 * matches all. The times prune partitions; within a day all rows are read unless a channel or recipient is named,
 * because there is no index on times. The recipients of each message are looked up separately, because a join would
 * build the view for all messages.
 */
export const SEARCH_MESSAGES = statement<SearchRow>(
  'search_messages',
  'work',
  `with candidates as materialized (
     select n.channel, n.seq, n.id, n.sender, n.type, n.created_at, n.expires_at, ${unavailableReason()} as gone
       from (select * from trunkline.messages
              where created_at >= $1::timestamptz and created_at < $2::timestamptz
                and ($3::text is null or channel = $3) and ($4::text is null or sender = $4)
                and ($5::text is null or channel = any (array(
                      select trunkline.inbox($5) union all select 'broadcast'
                      union all select channel from trunkline.memberships where user_id = $5
                      union all select channel from trunkline.past_memberships where user_id = $5)))
                and (created_at, id) < ($7::timestamptz, $8::uuid)
              order by created_at desc, id desc limit $9) as n
   )
   select c.channel, c.seq, c.id, c.sender, c.type, c.gone, c.created_at, c.expires_at,
          c.created_at::text as created_at_exactly,
          case when $5 is null then $6::text is null or c.gone = $6
               else coalesce((select true from trunkline.delivery_status s
                               where s.channel = c.channel and s.seq = c.seq and s.created_at = c.created_at
                                 and s.user_id = $5 and ($6 is null or s.status = $6) limit 1), false) end as is_match
     from candidates c order by c.created_at desc, c.id desc`,
);
