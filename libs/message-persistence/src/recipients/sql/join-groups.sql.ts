import { statement } from '#database';

export interface JoinedRow {
  channel: string;
  user_id: string;
  /** The seq after which the membership begins; null means that the user may join no more groups by itself. */
  joined_seq: number | null;
}

/**
 * Makes users members from the present end of their group on. A user who is a member already keeps its first joined_seq
 * (the row is updated to itself, so that a join that somebody else committed a moment ago is returned, too). The epoch
 * of each new member's inbox is raised, which tells the instances that hold its connections. Where $3 says that the
 * user joins by itself, it becomes a member only while it is in fewer than $4 groups (0 means any number), counted by
 * memberships_user_id_idx; statements that run at the same moment do not see each other's rows.
 */
export const JOIN_GROUPS = statement<JoinedRow>(
  'join_groups',
  'hot',
  `with asked as (
     select channel, user_id, bool_and(is_by_user) and $4::int > 0 as is_capped,
            exists (select from trunkline.memberships m where m.channel = a.channel and m.user_id = a.user_id) as is_member
       from unnest($1::text[], $2::text[], $3::boolean[]) as a (channel, user_id, is_by_user)
      group by channel, user_id
   ), seats as (
     select channel, user_id,
            case when is_member or not is_capped then true
                 else row_number() over (partition by user_id, is_member or not is_capped order by channel)
                      + (select count(*) from (select from trunkline.memberships m where m.user_id = a.user_id limit $4) as own) <= $4
             end as has_room
       from asked a
   ), joined as (
     insert into trunkline.memberships as m (channel, user_id, joined_seq)
     select a.channel, a.user_id, coalesce(c.last_seq, 0)
       from seats a left join trunkline.channels c on c.channel = a.channel
      where a.has_room
      order by a.channel collate "C", a.user_id collate "C"
     on conflict (channel, user_id) do update set joined_seq = m.joined_seq
     returning channel, user_id, joined_seq, xmax = 0 as is_new
   ), told as (
     insert into trunkline.channels as c (channel, epoch)
     select distinct trunkline.inbox(user_id) as inbox, 1 from joined where is_new order by inbox
     on conflict (channel) do update set epoch = c.epoch + 1
   )
   select s.channel, s.user_id, j.joined_seq
     from seats s left join joined j on j.channel = s.channel and j.user_id = s.user_id`,
);

/**
 * Ends a membership and raises the epoch of the user's inbox, which tells the instances. What was published until now
 * was for the user, so the membership is remembered for as long as those messages are kept.
 */
export const LEAVE_GROUP = statement<{ channel: string }>(
  'leave_group',
  'work',
  `with gone as (
     delete from trunkline.memberships where channel = $1 and user_id = $2
     returning channel, user_id, joined_seq, joined_at
   ), remembered as (
     insert into trunkline.past_memberships (channel, user_id, joined_seq, joined_at, left_seq)
     select channel, user_id, joined_seq, joined_at,
            coalesce((select last_seq from trunkline.channels c where c.channel = gone.channel), 0)
       from gone
   ), told as (
     insert into trunkline.channels as c (channel, epoch)
     select trunkline.inbox(user_id), 1 from gone
     on conflict (channel) do update set epoch = c.epoch + 1
   )
   select channel from gone`,
);

/**
 * Deletes memberships that ended more than $1 days ago and before every partition of messages that is left, at most $2,
 * by past_memberships_left_at_idx.
 */
export const FORGET_MEMBERSHIPS = statement<never>(
  'forget_memberships',
  'jobs',
  `delete from trunkline.past_memberships where (channel, user_id, left_at) in (
     select channel, user_id, left_at from trunkline.past_memberships
      where left_at < least(clock_timestamp() - make_interval(days => $1::int),
                            (select to_date(right(min(name), 10), 'YYYY_MM_DD')
                               from trunkline.old_partitions('messages', 'infinity') as name)::timestamp at time zone 'utc')
      order by left_at limit $2)
   returning 1`,
);

/** Returns the groups of user $1 and the epoch to which they belong, in one snapshot. */
export const READ_MEMBERSHIPS = statement<{ channel: string | null; epoch: number }>(
  'read_memberships',
  'hot',
  `select m.channel, coalesce(c.epoch, 0) as epoch
     from (select trunkline.inbox($1::text) as inbox) as u
     left join trunkline.channels c on c.channel = u.inbox
     left join trunkline.memberships m on m.user_id = $1`,
);
