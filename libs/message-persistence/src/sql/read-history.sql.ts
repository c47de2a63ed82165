import { statement } from '#database';
import { gone, withheld } from './gone.sql.js';
import type { ReadRow } from './read-channels.sql.js';

const readHistory = (order: 'asc' | 'desc') => `
  select c.last_seq, h.seq, h.id, h.sender, h.type, case when h.gone is null then h.body end as body, h.metadata, h.gone,
         h.created_at, h.expires_at
    from (select $1::text as channel) as asked
    left join trunkline.channels c on c.channel = asked.channel
    left join lateral (
         select n.*, coalesce(${gone()}, ${withheld('$7::text', '$8::text', '$9::text')}) as gone
           from (select * from trunkline.messages
                  where channel = $1 and seq > $2 and seq < $3 and created_at >= $4 and created_at < $5
                  order by seq ${order} limit $6) as n) as h on true
   order by h.seq ${order}`;

export type HistoryRow = Pick<
  ReadRow,
  'id' | 'sender' | 'type' | 'body' | 'metadata' | 'gone' | 'created_at' | 'expires_at'
> & {
  last_seq: number | null;
  seq: number | null;
};

/**
 * A page of channel $1 between the seqs $2 and $3 and the times $4 and $5, both of which prune partitions, as connection
 * $9 of device $8 of user $7 may see it; as null, everything.
 */
export const READ_HISTORY = {
  asc: statement<HistoryRow>('read_history_asc', readHistory('asc')),
  desc: statement<HistoryRow>('read_history_desc', readHistory('desc')),
};
