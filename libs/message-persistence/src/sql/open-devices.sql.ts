import { statement } from '#database';

export interface OpenedRow {
  user_id: string;
  device_id: string;
  /** Group channels the user is a member of. */
  groups: string[];
  /** Membership epoch of the same snapshot. */
  epoch: number;
}

/**
 * Registers devices as seen. A new one gets its cursors here, in the same transaction, at the user's most advanced
 * device; the user's first device starts at its stored inbox, its memberships, and the present end of broadcast.
 * A known device that lacks a cursor has joined that group since: it starts at the membership (READ_POSITIONS).
 */
export const OPEN_DEVICES = statement<OpenedRow>(
  'open_devices',
  `with asked as (
     select distinct user_id, device_id from unnest($1::text[], $2::text[]) as a (user_id, device_id)
   ), seen as (
     insert into trunkline.devices as d (user_id, device_id)
     select user_id, device_id from asked order by user_id collate "C", device_id collate "C"
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

/** The last connection of these devices on this instance ended. */
export const LEAVE_DEVICES = statement<never>(
  'leave_devices',
  `update trunkline.devices d set last_seen_at = clock_timestamp()
     from (select user_id, device_id from unnest($1::text[], $2::text[]) as a (user_id, device_id)
            group by 1, 2 order by user_id collate "C", device_id collate "C") as l
    where d.user_id = l.user_id and d.device_id = l.device_id`,
);
