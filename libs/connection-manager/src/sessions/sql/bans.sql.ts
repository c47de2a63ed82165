import { statement } from '#database';

export interface BanRow {
  reason: string | null;
  banned_at: Date;
  /** The end of the ban; Infinity means that no end is known. */
  banned_until: Date | number;
}

/**
 * Bans user $1 for reason $2 until $3 (null means without end), in the place of an earlier ban. No row comes back if
 * the end has passed. Otherwise it also names the instances with connections of the user.
 */
export const BAN_USER = statement<BanRow & { instances: string[] }>(
  'ban_user',
  `with banned as (
     insert into trunkline.bans (user_id, reason, banned_until)
     select $1, $2, u.banned_until from (select coalesce($3::timestamptz, 'infinity') as banned_until) as u
      where u.banned_until > clock_timestamp()
     on conflict (user_id) do update
       set reason = excluded.reason, banned_at = excluded.banned_at, banned_until = excluded.banned_until
     returning reason, banned_at, banned_until
   )
   select b.*, array(select distinct c.instance_id from trunkline.connections c where c.user_id = $1) as instances
     from banned b`,
);

/** Lifts a ban. No row comes back if the user was not banned, or no longer. */
export const UNBAN_USER = statement<{ user_id: string }>(
  'unban_user',
  `with unbanned as (delete from trunkline.bans where user_id = $1 returning user_id, banned_until)
   select user_id from unbanned where banned_until > clock_timestamp()`,
);

export const FIND_BAN = statement<BanRow>(
  'find_ban',
  `select reason, banned_at, banned_until from trunkline.bans where user_id = $1 and banned_until > clock_timestamp()`,
);

/** Deletes bans that ended more than $1 ms ago, a thousand at a time. There are few bans, so it reads them all. */
export const FORGET_BANS = statement<{ user_id: string }>(
  'forget_bans',
  `delete from trunkline.bans
    where user_id in (select user_id from trunkline.bans
                       where banned_until < clock_timestamp() - $1 * interval '1 millisecond' limit 1000)
      and banned_until < clock_timestamp() - $1 * interval '1 millisecond'
   returning user_id`,
);
