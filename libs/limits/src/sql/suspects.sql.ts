import { statement } from '#database';

/**
 * What was seen since the last time: $1 addresses and $2 reasons, sorted, so that two instances never wait for each other in
 * a circle; $3 how often; $4 and $5 milliseconds since the first and the last time, because clocks of instances differ.
 */
export const NOTE_SUSPECTS = statement<never>(
  'note_suspects',
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
  /** Microseconds since 1970: a Date would lose what a page that follows has to begin at. */
  last_us: number;
}

/** Those seen last come first; behind $1 (`last_us`), $2 address and $3 reason, at most $4. The table is small: no index. */
export const LIST_SUSPECTS = statement<SuspectRow>(
  'list_suspects',
  `select * from (select address, reason, count, first_at, last_at, (extract(epoch from last_at) * 1000000)::bigint as last_us
                    from trunkline.suspects) as s
    where (-last_us, address, reason) > (-$1::bigint, $2::text, $3::text)
    order by -last_us, address, reason limit $4`,
);

/** Removes those not seen for $1 hours, and all but the $2 seen last. */
export const FORGET_SUSPECTS = statement<never>(
  'forget_suspects',
  `delete from trunkline.suspects
    where last_at < clock_timestamp() - make_interval(hours => $1::int)
       or (address, reason) in (select address, reason from trunkline.suspects order by last_at desc offset $2)
   returning 1`,
);
