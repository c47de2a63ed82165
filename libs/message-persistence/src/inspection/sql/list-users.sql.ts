import { statement } from '#database';

export interface UserRow {
  user_id: string;
  devices: number;
  last_seen_at: Date;
}

/** Returns users with a device after $1, in order, at most $2; it reads as many rows of the primary key as it needs. */
export const LIST_USERS = statement<UserRow>(
  'list_users',
  'work',
  `select user_id, count(*) as devices, max(last_seen_at) as last_seen_at
     from trunkline.devices where user_id > $1 group by user_id order by user_id limit $2`,
);

export interface DeviceRow {
  device_id: string;
  created_at: Date;
  last_seen_at: Date;
}

export const LIST_DEVICES = statement<DeviceRow>(
  'list_devices',
  'work',
  `select device_id, created_at, last_seen_at from trunkline.devices where user_id = $1 order by device_id limit 500`,
);

export interface CursorRow {
  device_id: string;
  channel: string;
  delivered_seq: number;
  read_seq: number;
  last_seq: number;
  failed_attempts: number;
  updated_at: Date | null;
}

/**
 * Returns how far each device of user $1 has come in its inbox, broadcast and its groups, those furthest behind first.
 * A device without a cursor is shown where it would begin.
 */
export const LIST_CURSORS = statement<CursorRow>(
  'list_cursors',
  'work',
  `select d.device_id, w.channel, coalesce(cu.read_seq, 0) as read_seq, coalesce(c.last_seq, 0) as last_seq,
          coalesce(cu.failed_attempts, 0) as failed_attempts, cu.updated_at, p.delivered_seq
     from trunkline.devices d
    cross join (select trunkline.inbox($1::text) as channel, 0::bigint as joined_seq
                 union all select 'broadcast', null
                 union all select channel, joined_seq from trunkline.memberships where user_id = $1) as w
     left join trunkline.channels c on c.channel = w.channel
     left join trunkline.cursors cu
       on cu.user_id = d.user_id and cu.device_id = d.device_id and cu.channel = w.channel
    cross join lateral (
          select greatest(coalesce(cu.delivered_seq, w.joined_seq, c.last_seq), w.joined_seq, 0) as delivered_seq) as p
    where d.user_id = $1
    order by coalesce(c.last_seq, 0) - p.delivered_seq desc, d.device_id, w.channel limit 1000`,
);
