import { statement } from '#database';

/**
 * How long the oldest message waits that was stored after these positions. One probe of channels for each, and one of
 * the primary key for those that have news, in the partitions since the time of the position's message: its
 * cost is bounded by the number of positions, not of messages (2 million messages, 200 positions, all behind: 12 ms).
 */
export const OLDEST_UNREAD = statement<{ age_ms: number }>(
  'oldest_unread',
  `select coalesce(max(extract(epoch from clock_timestamp() - m.created_at)), 0)::float8 * 1000 as age_ms
     from unnest($1::text[], $2::bigint[], $3::timestamptz[]) as w (channel, seq, since)
     join trunkline.channels c on c.channel = w.channel and c.last_seq > w.seq
     join lateral (
          select created_at from trunkline.messages
           where channel = w.channel and seq > w.seq and created_at >= w.since order by seq limit 1) as m on true`,
);
