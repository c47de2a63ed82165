import { statement } from '#database';

export interface PartRow {
  /** The seq after which the membership in the group began; null means that the user is no member. */
  joined_seq: number | null;
  /** The last seq of the membership that ended last; this and `left_at` are null if none ended within retention. */
  left_seq: number | null;
  left_at: Date | null;
  /** A user that has a device and whose id differs only in case; also null if user $1 has a device. */
  similar_user: string | null;
  /** The device that claimed a message which only one of the user's devices is to get. */
  taken_by: string | null;
  /** True if some user was a member of the group when seq $3 was published. */
  had_members: boolean;
}

/** Reads what user $1 has to do with seq $3 of channel $2: a few rows by their keys, and devices_lower_user_id_idx. */
export const FIND_PART = statement<PartRow>(
  'find_part',
  'work',
  `select m.joined_seq, p.left_seq, p.left_at, k.device_id as taken_by,
          exists (select from trunkline.memberships where channel = $2 and joined_seq < $3)
          or exists (select from trunkline.past_memberships
                      where channel = $2 and joined_seq < $3 and left_seq >= $3) as had_members,
          case when not exists (select from trunkline.devices where user_id = $1) then (
            select min(user_id) from trunkline.devices where lower(user_id) = lower($1)) end as similar_user
     from (select $1::text as user_id) as u
     left join trunkline.memberships m on m.channel = $2 and m.user_id = $1
     left join lateral (
          select left_seq, left_at from trunkline.past_memberships
           where channel = $2 and user_id = $1 order by left_at desc limit 1) as p on true
     left join trunkline.claims k on k.channel = $2 and k.seq = $3 and k.user_id = $1`,
);

export interface PartDeviceRow {
  device_id: string;
  created_at: Date;
  /** The seq after which the device began in the channel; null means that it has no position there. */
  started_seq: number | null;
}

/** Returns the devices of user $1 and where they began in channel $2, the oldest first, at most 100. */
export const FIND_PART_DEVICES = statement<PartDeviceRow>(
  'find_part_devices',
  'work',
  `select d.device_id, d.created_at, c.started_seq
     from trunkline.devices d
     left join trunkline.cursors c on c.user_id = d.user_id and c.device_id = d.device_id and c.channel = $2
    where d.user_id = $1 order by d.created_at, d.device_id limit 100`,
);

/** Tells whether group $1 has members, and whether it had one when its seq $2 was published. */
export const FIND_AUDIENCE = statement<{ has_members: boolean; had_members: boolean }>(
  'find_audience',
  'work',
  `select exists (select from trunkline.memberships where channel = $1) as has_members,
          exists (select from trunkline.memberships where channel = $1 and joined_seq < $2)
          or exists (select from trunkline.past_memberships
                      where channel = $1 and joined_seq < $2 and left_seq >= $2) as had_members`,
);
