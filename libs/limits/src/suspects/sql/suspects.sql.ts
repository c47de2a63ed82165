import { statement } from '#database';

/**
 * Adds what an instance saw since it last wrote: $1 addresses and $2 reasons, sorted, so that two instances never
 * deadlock; $3 counts; $4 and $5 milliseconds since each was first and last seen, because clocks of instances differ.
 */
export const NOTE_SUSPECTS = statement<never>(
  'note_suspects',
  'work',
  `insert into trunkline.suspects as s (address, reason, count, first_at, last_at)
   select address, reason, count, clock_timestamp() - first_ms * interval '1 ms', clock_timestamp() - last_ms * interval '1 ms'
     from unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::float8[]) as n (address, reason, count, first_ms, last_ms)
       on conflict (address, reason) do update
      set count = s.count + excluded.count, last_at = greatest(s.last_at, excluded.last_at)`,
);

export interface SuspectRow {
  address: string;
  reason: string;
  count: number;
  first_at: Date;
  last_at: Date;
  /** The microseconds from 1970 to `last_at`, where the next page begins. A Date would lose the last three digits. */
  last_us: number;
}

/**
 * Lists suspects, those seen last first: at most $4 rows behind the row of $1 `last_us`, $2 address and $3 reason. The
 * statement uses no index, because the table is small.
 */
export const LIST_SUSPECTS = statement<SuspectRow>(
  'list_suspects',
  'work',
  `select * from (select address, reason, count, first_at, last_at, (extract(epoch from last_at) * 1000000)::bigint as last_us
                    from trunkline.suspects) as s
    where (-last_us, address, reason) > (-$1::bigint, $2::text, $3::text)
    order by -last_us, address, reason limit $4`,
);

/** Removes the suspects not seen for $1 hours, and all but the $2 seen last. */
export const FORGET_SUSPECTS = statement<never>(
  'forget_suspects',
  'jobs',
  `delete from trunkline.suspects
    where last_at < clock_timestamp() - make_interval(hours => $1::int)
       or (address, reason) in (select address, reason from trunkline.suspects order by last_at desc offset $2)
   returning 1`,
);
