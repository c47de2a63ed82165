import { statement } from '#database';

export interface RecipientRow {
  user_id: string;
  device_id: string;
  is_delivered: boolean;
}

/** The devices a message of channel $1 at seq $2 is meant for, and whether each has acknowledged it. */
export const FIND_RECIPIENTS = statement<RecipientRow>(
  'find_recipients',
  `select d.user_id, d.device_id, coalesce(cu.delivered_seq >= $2, false) as is_delivered
     from (select user_id from trunkline.memberships where channel = $1 and joined_seq < $2
           union all select substr($1, 6) where $1 like 'user:%') as recipient (user_id)
     join trunkline.devices d using (user_id)
     left join trunkline.cursors cu
       on cu.user_id = d.user_id and cu.device_id = d.device_id and cu.channel = $1
    order by d.user_id, d.device_id limit 1000`,
);

export interface AttemptRow {
  user_id: string;
  device_id: string;
  connection_id: string;
  instance_id: string;
  attempt: number;
  sent_at: Date;
  settled_at: Date;
  outcome: 'acknowledged' | 'timeout' | 'disconnected';
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
