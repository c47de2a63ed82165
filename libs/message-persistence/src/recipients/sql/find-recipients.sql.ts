import { statement } from '#database';

export interface RecipientRow {
  user_id: string;
  device_id: string | null;
  status: 'queued' | 'sent' | 'delivered' | 'read' | 'expired' | 'cancelled' | 'collapsed' | 'left' | 'dead';
  last_seen_at: Date | null;
  /** False means that the device was forgotten, or that the user never had one (`device_id` is null then). */
  is_known: boolean;
  /** The seq up to which the device has come in the channel. */
  acked_seq: number;
  /** When the user left the group after the message; null means that it did not. */
  left_at: Date | null;
  requeued_as: string | null;
  purged_at: Date | null;
}

/**
 * The most seqs that one attempt covers, so that the index finds the attempts of a message. The view delivery_status
 * contains the same number.
 */
export const MAX_ATTEMPT_SEQS = 10_000;

/** SQL for the attempts that cover seq $2 of channel $1. The message's time, $3, prunes partitions. */
const ATTEMPTS = `trunkline.attempts
    where channel = $1 and from_seq <= $2 and to_seq between $2 and $2::bigint + ${MAX_ATTEMPT_SEQS}
      and settled_at >= $3::timestamptz - interval '1 day'`;

/**
 * Returns what became of seq $2 of channel $1 for each device; the message's time, $3, prunes partitions. A device to
 * which the message was sent before its end ($4) is listed although nothing else remembers it: it subscribed by a
 * right, it has been forgotten, or its user has left.
 */
export const FIND_RECIPIENTS = statement<RecipientRow>(
  'find_recipients',
  'work',
  `with addressed as (
     select user_id, device_id, status from trunkline.delivery_status
      where channel = $1 and seq = $2
        and created_at between $3::timestamptz - interval '1 millisecond' and $3::timestamptz + interval '1 millisecond'
      order by user_id, device_id limit 1000
   ), tried as (
     select user_id, device_id, bool_or(outcome = 'acknowledged') as is_acknowledged
       from ${ATTEMPTS} and sent_at < coalesce($4::timestamptz, 'infinity')
      group by user_id, device_id order by user_id, device_id limit 1000
   ), all_of_them as (
     select user_id, device_id, status from addressed a
      where device_id is not null or not exists (select from tried t where t.user_id = a.user_id)
      union all
     select user_id, device_id, case when is_acknowledged then 'delivered' else 'sent' end from tried t
      where not exists (select from addressed a where a.user_id = t.user_id and a.device_id = t.device_id)
   )
   select r.user_id, r.device_id, r.status, d.last_seen_at, d.user_id is not null as is_known,
          greatest(c.delivered_seq, m.joined_seq, 0) as acked_seq, p.left_at, l.requeued_as, l.purged_at
     from all_of_them r
     left join trunkline.devices d on d.user_id = r.user_id and d.device_id = r.device_id
     left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = r.device_id and c.channel = $1
     left join trunkline.memberships m on m.channel = $1 and m.user_id = r.user_id
     left join trunkline.dead_letters l
       on l.channel = $1 and l.seq = $2 and l.user_id = r.user_id and l.device_id = r.device_id
     left join lateral (
          select max(left_at) as left_at from trunkline.past_memberships p
           where p.channel = $1 and p.user_id = r.user_id and p.joined_seq < $2 and p.left_seq >= $2) as p on true
    order by r.user_id, r.device_id limit 1000`,
);

export interface AttemptRow {
  user_id: string;
  device_id: string;
  connection_id: string;
  instance_id: string;
  attempt: number;
  sent_at: Date;
  settled_at: Date;
  outcome: 'sent' | 'acknowledged' | 'timeout' | 'disconnected';
  error: string | null;
}

/**
 * Returns every attempt to deliver seq $2 of channel $1, in order, by attempts_channel_seq_idx. If its acknowledgement
 * was late, an attempt has two rows: one that it was sent, and a later one of how it ended. Only the later one is
 * returned.
 */
export const FIND_ATTEMPTS = statement<AttemptRow>(
  'find_attempts',
  'work',
  `with tried as (
     select user_id, device_id, connection_id, instance_id, attempt, sent_at, settled_at, outcome, error
       from ${ATTEMPTS}
      order by sent_at, settled_at limit 2000
   )
   select * from tried t
    where outcome <> 'sent' or not exists (
          select from tried ended
           where ended.user_id = t.user_id and ended.device_id = t.device_id and ended.connection_id = t.connection_id
             and ended.outcome <> 'sent' and ended.sent_at <= t.settled_at and ended.settled_at >= t.settled_at)
    order by sent_at, settled_at limit 1000`,
);
