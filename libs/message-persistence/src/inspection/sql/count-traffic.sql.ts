import { statement } from '#database';

export interface TrafficRow {
  at: Date;
  published: number;
  acknowledged: number;
  timeouts: number;
  disconnected: number;
  dead: number;
}

/**
 * Counts what happened from $1 to $2 in steps of $3 seconds, from tables that record it anyway: nothing is sampled, and
 * an idle cluster writes nothing for it. The times prune the partitions. Within a day all rows are read (0.7 s for a
 * million messages and as many attempts, on two busy cores), so the caller bounds the time and runs one count at a
 * time. An index on the times would make this quick but every append dearer.
 */
export const COUNT_TRAFFIC = statement<TrafficRow>(
  'count_traffic',
  'work',
  `with bounds as (
     select date_bin(make_interval(secs => $3), $1::timestamptz, 'epoch') as low, $2::timestamptz as high
   ), published as (
     select date_bin(make_interval(secs => $3), created_at, 'epoch') as at, count(*) as published
       from trunkline.messages, bounds
      where created_at >= $1::timestamptz - make_interval(secs => $3) and created_at < $2::timestamptz
        and created_at >= low group by 1
   ), attempted as (
     select date_bin(make_interval(secs => $3), settled_at, 'epoch') as at,
            coalesce(sum(to_seq - from_seq + 1) filter (where outcome = 'acknowledged'), 0)::bigint as acknowledged,
            count(*) filter (where outcome = 'timeout') as timeouts,
            count(*) filter (where outcome = 'disconnected') as disconnected
       from trunkline.attempts, bounds
      where settled_at >= $1::timestamptz - make_interval(secs => $3) and settled_at < $2::timestamptz
        and settled_at >= low group by 1
   ), died as (
     select date_bin(make_interval(secs => $3), died_at, 'epoch') as at, count(*) as dead
       from trunkline.dead_letters, bounds where died_at >= low and died_at < high group by 1
   )
   select t.at, coalesce(published, 0) as published, coalesce(acknowledged, 0) as acknowledged,
          coalesce(timeouts, 0) as timeouts, coalesce(disconnected, 0) as disconnected, coalesce(dead, 0) as dead
     from bounds
    cross join lateral generate_series(low, high - interval '1 microsecond', make_interval(secs => $3)) as t (at)
     left join published using (at) left join attempted using (at) left join died using (at)
    order by t.at`,
);
