import { statement } from '#database';

export const PARTITIONED_TABLES = ['messages', 'publish_ids', 'attempts'] as const;
export type PartitionedTable = (typeof PARTITIONED_TABLES)[number];

/**
 * Lists the days for which tables $1 have no partition, from yesterday (for the clocks of transactions under way) to $2
 * days ahead.
 */
export const MISSING_PARTITIONS = statement<{ parent: PartitionedTable; day: string }>(
  'missing_partitions',
  'jobs',
  `select t.name as parent, to_char(d.day, 'YYYY-MM-DD') as day
     from unnest($1::text[]) as t (name),
          generate_series((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + $2::int,
                          interval '1 day') as d (day)
    where to_regclass(format('trunkline.%I', t.name || to_char(d.day, '_YYYY_MM_DD'))) is null
    order by d.day, t.name`,
);

/** Makes a partition. Its function in migrations/ waits at most 40 ms for ACCESS EXCLUSIVE on the default partition. */
export const MAKE_PARTITION = statement<{ is_made: boolean }>(
  'make_partition',
  'jobs',
  'select trunkline.make_partition($1, $2::date) as is_made',
);

/**
 * Returns how many days after today the partitions of tables $1 reach, for the table where they reach least. It reads
 * only the catalog.
 */
export const PARTITIONS_AHEAD = statement<{ days: number }>(
  'partitions_ahead',
  'health',
  `select min(coalesce(newest.day - (now() at time zone 'utc')::date, -1)) as days
     from unnest($1::text[]) as t (name)
    cross join lateral (
          select max(to_date(right(partition, 10), 'YYYY_MM_DD')) as day
            from trunkline.old_partitions(t.name, 'infinity') as partition) as newest`,
);

/**
 * Lists the partitions of table $1 whose rows are all older than $2 days, the oldest first, and whether they are older
 * than $3 days in which the service ran.
 */
export const OLD_PARTITIONS = statement<{ name: string; is_overdue: boolean }>(
  'old_partitions',
  'jobs',
  `select name, to_date(right(name, 10), 'YYYY_MM_DD')
                < (trunkline.service_ago(make_interval(days => $3::int)) at time zone 'utc')::date as is_overdue
     from trunkline.old_partitions($1, (now() at time zone 'utc')::date - $2::int) as name`,
);

/** Tells whether a device is still to receive a message of partition $1: it reads that once, and locks nobody out. */
export const HAS_UNDELIVERED = statement<{ has_undelivered: boolean }>(
  'has_undelivered',
  'jobs',
  'select trunkline.has_undelivered($1) as has_undelivered',
);

/** Drops a partition. Its function in migrations/ waits at most 40 ms for ACCESS EXCLUSIVE on the parent. */
export const DROP_PARTITION = statement<never>('drop_partition', 'jobs', 'select trunkline.drop_partition($1, $2)');

/**
 * Removes the bodies of messages that expired or were cancelled, at most $1 at a time, by messages_expires_at_idx,
 * which holds only messages that still have one. The rest of the row stays until retention and says why nobody got the
 * message. Delivery does not wait for this, because readers never hand out what has ended.
 */
export const CLEAR_ENDED = statement<never>(
  'clear_ended',
  'jobs',
  `update trunkline.messages m set body = null, metadata = null
     from (select channel, seq, created_at from trunkline.messages
            where expires_at < clock_timestamp() - interval '1 minute' and body is not null
            order by expires_at limit $1) as e
    where m.channel = e.channel and m.seq = e.seq and m.created_at = e.created_at
   returning 1`,
);
