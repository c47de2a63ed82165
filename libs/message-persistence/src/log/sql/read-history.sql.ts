import { statement } from '#database';
import type { ReadRow } from './read-channels.sql.js';
import { unavailableReason, withheld } from './unavailable-reason.sql.js';

/**
 * SQL for the bytes that message s takes in an answer, as far as its lengths tell. PostgreSQL knows these without
 * reading values that are stored apart from the row.
 */
const BYTES = `200 + octet_length(s.channel) + coalesce(octet_length(s.body), 0) + coalesce(octet_length(s.metadata), 0)`;

const readHistory = (order: 'asc' | 'desc') => `
  select c.last_seq, h.seq, h.id, h.sender, h.type, case when h.gone is null then h.body end as body, h.metadata, h.gone,
         h.created_at, h.expires_at, h.found
    from (select $1::text as channel) as asked
    left join trunkline.channels c on c.channel = asked.channel
    left join lateral (
         select n.*, coalesce(${unavailableReason()}, ${withheld('$7::text', '$8::text', '$9::text')}) as gone
           from (select s.*, count(*) over () as found, row_number() over by_seq as place, sum(${BYTES}) over by_seq as bytes
                   from (select * from trunkline.messages
                          where channel = $1 and seq > $2 and seq < $3 and created_at >= $4 and created_at < $5
                          order by seq ${order} limit $6 + 1) as s
                 window by_seq as (order by seq ${order} rows unbounded preceding)) as n
          where n.place = 1 or (n.place <= $6 and n.bytes <= $10)) as h on true
   order by h.seq ${order}`;

export type HistoryRow = Pick<
  ReadRow,
  'id' | 'sender' | 'type' | 'body' | 'metadata' | 'gone' | 'created_at' | 'expires_at'
> & {
  last_seq: number | null;
  seq: number | null;
  /** The number of messages within the bounds, counted up to one more than $6. */
  found: number | null;
};

/**
 * Reads a page of channel $1 between the seqs $2 and $3 and the times $4 and $5 (which prune partitions), as connection
 * $9 of device $8 of user $7 may see it; if these are null, everything is shown. The page ends after $6 messages or
 * before it exceeds $10 bytes, but has at least one message. The bodies of messages that do not fit are not read.
 */
export const READ_HISTORY = {
  asc: statement<HistoryRow>('read_history_asc', 'work', readHistory('asc')),
  desc: statement<HistoryRow>('read_history_desc', 'work', readHistory('desc')),
};
