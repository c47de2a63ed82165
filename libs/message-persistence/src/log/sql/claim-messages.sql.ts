import { statement } from '#database';

/** Claims messages for a device unless another device of its user has them; returns which device has each now. */
export const CLAIM_MESSAGES = statement<{ seq: number; device_id: string }>(
  'claim_messages',
  'hot',
  `insert into trunkline.claims as c (channel, seq, user_id, device_id)
   select $1, seq, $3, $4 from unnest($2::bigint[]) as seq order by seq
   on conflict (channel, seq, user_id) do update set device_id = c.device_id
   returning seq, device_id`,
);

/** Deletes claims made more than $1 days ago and before every partition of messages that is left, at most $2. */
export const FORGET_CLAIMS = statement<never>(
  'forget_claims',
  'jobs',
  `delete from trunkline.claims where (channel, seq, user_id) in (
     select channel, seq, user_id from trunkline.claims
      where claimed_at < least(clock_timestamp() - make_interval(days => $1::int),
                               (select to_date(right(min(name), 10), 'YYYY_MM_DD')
                                  from trunkline.old_partitions('messages', 'infinity') as name)::timestamp at time zone 'utc')
      order by claimed_at limit $2)
   returning 1`,
);
