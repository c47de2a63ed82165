import { statement } from '#database';

export interface OpenedRow {
  user_id: string;
  device_id: string;
  /** The group channels of which the user is a member. */
  groups: string[];
  /** The membership epoch in the same snapshot. */
  epoch: number;
}

/**
 * Registers devices as seen. A new device gets its cursors here, in the same transaction, at the user's most advanced
 * device. The user's first device starts at the beginning of its stored inbox, at the beginning of its memberships, and
 * at the present end of broadcast. A known device lacks the cursor of a group that its user joined later: it starts
 * where the membership began (READ_POSITIONS).
 * A new device is registered only while its user has fewer than $3 devices (0 means any number), otherwise it gets no
 * row in the answer. The devices of a user are counted only for a new one, by devices_pkey; statements that run at the
 * same moment do not see each other's.
 */
export const OPEN_DEVICES = statement<OpenedRow>(
  'open_devices',
  'hot',
  `with asked as (
     select a.user_id, a.device_id,
            exists (select from trunkline.devices d where d.user_id = a.user_id and d.device_id = a.device_id) as is_known
       from (select distinct user_id, device_id from unnest($1::text[], $2::text[]) as a (user_id, device_id)) as a
   ), let_in as (
     select a.user_id, a.device_id,
            case when $3::int = 0 or a.is_known then true
                 else row_number() over (partition by a.user_id, a.is_known order by a.device_id)
                      + (select count(*) from (select from trunkline.devices d where d.user_id = a.user_id limit $3) as own) <= $3
             end as has_room
       from asked a
   ), seen as (
     insert into trunkline.devices as d (user_id, device_id)
     select user_id, device_id from let_in where has_room order by user_id collate "C", device_id collate "C"
     on conflict (user_id, device_id) do update set last_seen_at = clock_timestamp()
     returning user_id, device_id, xmax = 0 as is_new
   ), started as (
     insert into trunkline.cursors (user_id, device_id, channel, delivered_seq, read_seq, started_seq)
     select s.user_id, s.device_id, r.channel, start.seq, start.seq, start.seq
       from seen s
      cross join lateral (
            select trunkline.inbox(s.user_id), 0, 0
            union all
            select 'broadcast', 0, coalesce((select last_seq from trunkline.channels where channel = 'broadcast'), 0)
            union all
            select m.channel, m.joined_seq, m.joined_seq from trunkline.memberships m where m.user_id = s.user_id
          ) as r (channel, floor, first)
       left join lateral (
            select max(o.delivered_seq) as seq from trunkline.cursors o
             where o.user_id = s.user_id and o.channel = r.channel) as ahead on true
      cross join lateral (select greatest(r.floor, coalesce(ahead.seq, r.first)) as seq) as start
      where s.is_new
     on conflict (user_id, device_id, channel) do nothing
   )
   select s.user_id, s.device_id, coalesce(c.epoch, 0) as epoch,
          array(select m.channel from trunkline.memberships m where m.user_id = s.user_id order by 1) as groups
     from seen s left join trunkline.channels c on c.channel = trunkline.inbox(s.user_id)`,
);

/** Notes when the last connection of these devices on this instance ended. */
export const LEAVE_DEVICES = statement<never>(
  'leave_devices',
  'hot',
  `update trunkline.devices d set last_seen_at = clock_timestamp()
     from (select user_id, device_id from unnest($1::text[], $2::text[]) as a (user_id, device_id)
            group by 1, 2 order by user_id collate "C", device_id collate "C") as l
    where d.user_id = l.user_id and d.device_id = l.device_id`,
);

/**
 * Returns the devices of users $1 that were not seen for $2 days in which the service ran, the longest first, by
 * devices_pkey. A device that stays connected counts as seen when it connected.
 */
export const FIND_AWAY_DEVICES = statement<{ user_id: string; device_id: string }>(
  'find_away_devices',
  'hot',
  `select user_id, device_id from trunkline.devices
    where user_id = any ($1::text[]) and last_seen_at < (select trunkline.service_ago(make_interval(days => $2::int)))
    order by last_seen_at, device_id limit 10000`,
);
