import { statement } from '#database';

/**
 * Returns how long the oldest message after these positions has waited. It takes one probe of channels for each
 * position, and for those that have news one of the primary key, in the partitions since the time of the position's
 * message. So its cost is bounded by the number of positions, not of messages (2 million messages, 200 positions, all
 * behind: 12 ms).
 */
export const OLDEST_UNREAD = statement<{ age_ms: number }>(
  'oldest_unread',
  'health',
  `select coalesce(max(extract(epoch from clock_timestamp() - m.created_at)), 0)::float8 * 1000 as age_ms
     from unnest($1::text[], $2::bigint[], $3::timestamptz[]) as w (channel, seq, since)
     join trunkline.channels c on c.channel = w.channel and c.last_seq > w.seq
     join lateral (
          select created_at from trunkline.messages
           where channel = w.channel and seq > w.seq and created_at >= w.since order by seq limit 1) as m on true`,
);
