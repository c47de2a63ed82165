import { statement } from '#database';
import { sendReceipts } from './send-receipts.sql.js';

/**
 * SQL that moves cursors forward and records the settled attempts, for many connections at once. Rows are locked in key
 * order, as in every other statement that touches cursors. delivered_seq never falls.
 * @param further a part of the WITH clause that ends with a comma, or an empty string
 */
function saveSettlements(further: string): string {
  return `with settled as (
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::int[],
                          $8::float8[], $9::text[], $10::text[], $11::boolean[], $13::boolean[])
       as s (user_id, device_id, channel, from_seq, to_seq, connection_id, attempt, age_ms, outcome, error, is_durable,
             wants_receipts)
   ), ${further} moved as (
     insert into trunkline.cursors as c (user_id, device_id, channel, delivered_seq)
     select user_id, device_id, channel, max(to_seq) from settled
      where is_durable and outcome = 'acknowledged'
      group by user_id, device_id, channel
      order by user_id collate "C", device_id collate "C", channel collate "C"
     on conflict (user_id, device_id, channel) do update
       set delivered_seq = excluded.delivered_seq, failed_attempts = 0, updated_at = clock_timestamp()
       where c.delivered_seq < excluded.delivered_seq
   )
   insert into trunkline.attempts
     (channel, from_seq, to_seq, user_id, device_id, connection_id, instance_id, attempt, sent_at, settled_at, outcome, error)
   select channel, from_seq, to_seq, user_id, device_id, connection_id, $12, attempt,
          clock_timestamp() - age_ms * interval '1 millisecond', clock_timestamp(), outcome, error
     from settled where from_seq <= to_seq`;
}

export const SAVE_SETTLEMENTS = statement<never>('save_settlements', 'hot', saveSettlements(''));

/**
 * Does the work of SAVE_SETTLEMENTS and also sends the receipts that senders asked for. It is a statement of its own,
 * because opening every partition of the messages takes 0.1 ms of 0.4 even where nobody asked. A client that resumes
 * acknowledges a range whatever was missing from it, so a receipt also needs the message to have been there when the
 * range was sent.
 */
export const SAVE_SETTLEMENTS_WITH_RECEIPTS = statement<never>(
  'save_settlements_with_receipts',
  'hot',
  saveSettlements(
    `${sendReceipts(
      'delivered',
      `select * from settled where wants_receipts and is_durable and outcome = 'acknowledged'`,
      `coalesce(m.expires_at > clock_timestamp() - r.age_ms * interval '1 millisecond', true)`,
    )},`,
  ),
);

/**
 * Moves forward how far a user has read, at most to what the device has acknowledged, and sends the receipts. Only
 * messages that an acknowledged attempt covers get one, because the range also contains what expired or collapsed
 * before the device got it. $1 user, $2 device, $3 channels, $4 seqs.
 */
export const SAVE_READS = statement<never>(
  'save_reads',
  'work',
  `with asked as (
     select a.channel, least(a.seq, c.delivered_seq) as to_seq, c.read_seq + 1 as from_seq,
            $1::text as user_id, $2::text as device_id
       from unnest($3::text[], $4::bigint[]) as a (channel, seq)
       join trunkline.cursors c on c.user_id = $1 and c.device_id = $2 and c.channel = a.channel
      order by a.channel collate "C" for update of c
   ), ${sendReceipts(
     'read',
     'select * from asked',
     `exists (select from trunkline.attempts t
               where t.channel = m.channel and t.from_seq <= m.seq and t.to_seq >= m.seq and t.user_id = r.user_id
                 and t.device_id = r.device_id and t.outcome = 'acknowledged'
                 and (m.expires_at is null or t.sent_at < m.expires_at))`,
   )}
   update trunkline.cursors c set read_seq = a.to_seq
     from asked a
    where c.user_id = $1 and c.device_id = $2 and c.channel = a.channel and c.read_seq < a.to_seq`,
);

export interface DeadRow {
  user_id: string;
  device_id: string;
  channel: string;
  seq: number;
}

/** Counts failed attempts, and gives up a message that failed $6 times in all. Its function stands in migrations/. */
export const FAIL_ATTEMPTS = statement<DeadRow>(
  'fail_attempts',
  'hot',
  `select user_id, device_id, channel, seq
     from trunkline.fail_attempts($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::int)`,
);
