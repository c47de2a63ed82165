import { statement } from '#database';

/**
 * Moves cursors forward and records the settled attempts, for many connections at once. Rows are locked in key order,
 * as in every other statement that touches cursors. delivered_seq never falls.
 */
export const SAVE_SETTLEMENTS = statement<never>(
  'save_settlements',
  `with settled as (
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::int[],
                          $8::float8[], $9::text[], $10::text[], $11::boolean[])
       as s (user_id, device_id, channel, from_seq, to_seq, connection_id, attempt, age_ms, outcome, error, is_durable)
   ), moved as (
     insert into trunkline.cursors as c (user_id, device_id, channel, delivered_seq)
     select user_id, device_id, channel, max(to_seq) from settled
      where is_durable and outcome = 'acknowledged'
      group by user_id, device_id, channel
      order by user_id collate "C", device_id collate "C", channel collate "C"
     on conflict (user_id, device_id, channel) do update
       set delivered_seq = excluded.delivered_seq, updated_at = clock_timestamp()
       where c.delivered_seq < excluded.delivered_seq
   )
   insert into trunkline.attempts
     (channel, from_seq, to_seq, user_id, device_id, connection_id, instance_id, attempt, sent_at, settled_at, outcome, error)
   select channel, from_seq, to_seq, user_id, device_id, connection_id, $12, attempt,
          clock_timestamp() - age_ms * interval '1 millisecond', clock_timestamp(), outcome, error
     from settled where from_seq <= to_seq`,
);
