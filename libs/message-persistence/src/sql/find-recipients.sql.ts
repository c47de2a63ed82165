import { statement } from '#database';

export interface RecipientRow {
  user_id: string;
  device_id: string | null;
  status: 'queued' | 'sent' | 'delivered' | 'read' | 'expired' | 'cancelled' | 'collapsed' | 'dead';
  last_seen_at: Date | null;
  /** How far the device has come in the channel. */
  acked_seq: number;
}

/** What became of seq $2 of channel $1 for each device; $3, the message's time, prunes partitions. */
export const FIND_RECIPIENTS = statement<RecipientRow>(
  'find_recipients',
  `select s.user_id, s.device_id, s.status, d.last_seen_at,
          greatest(c.delivered_seq, m.joined_seq, 0) as acked_seq
     from trunkline.delivery_status s
     left join trunkline.devices d on d.user_id = s.user_id and d.device_id = s.device_id
     left join trunkline.cursors c on c.user_id = s.user_id and c.device_id = s.device_id and c.channel = s.channel
     left join trunkline.memberships m on m.channel = s.channel and m.user_id = s.user_id
    where s.channel = $1 and s.seq = $2
      and s.created_at between $3::timestamptz - interval '1 millisecond' and $3::timestamptz + interval '1 millisecond'
    order by s.user_id, s.device_id limit 1000`,
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

/** Every try to deliver seq $2 of channel $1, by attempts_channel_seq_idx; $3, the message's time, prunes partitions. */
export const FIND_ATTEMPTS = statement<AttemptRow>(
  'find_attempts',
  `select user_id, device_id, connection_id, instance_id, attempt, sent_at, settled_at, outcome, error
     from trunkline.attempts
    where channel = $1 and from_seq <= $2 and to_seq >= $2 and settled_at >= $3::timestamptz - interval '1 minute'
    order by sent_at, settled_at limit 1000`,
);
