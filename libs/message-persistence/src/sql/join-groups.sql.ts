import { statement } from '#database';

export interface JoinedRow {
  channel: string;
  user_id: string;
  joined_seq: number;
}

/**
 * Makes users members behind the present end of their group; a member already keeps its first joined_seq (updated to
 * itself, so that a join committed a moment ago by somebody else is returned too). The epoch of each new member's inbox
 * tells the instances that hold its connections.
 */
export const JOIN_GROUPS = statement<JoinedRow>(
  'join_groups',
  `with asked as (
     select distinct channel, user_id from unnest($1::text[], $2::text[]) as a (channel, user_id)
   ), joined as (
     insert into trunkline.memberships as m (channel, user_id, joined_seq)
     select a.channel, a.user_id, coalesce(c.last_seq, 0)
       from asked a left join trunkline.channels c on c.channel = a.channel
      order by a.channel collate "C", a.user_id collate "C"
     on conflict (channel, user_id) do update set joined_seq = m.joined_seq
     returning channel, user_id, joined_seq, xmax = 0 as is_new
   ), told as (
     insert into trunkline.channels as c (channel, epoch)
     select distinct trunkline.inbox(user_id) as inbox, 1 from joined where is_new order by inbox
     on conflict (channel) do update set epoch = c.epoch + 1
   )
   select channel, user_id, joined_seq from joined`,
);

/** Ends a membership; the epoch of the inbox tells the instances. */
export const LEAVE_GROUP = statement<{ channel: string }>(
  'leave_group',
  `with gone as (
     delete from trunkline.memberships where channel = $1 and user_id = $2 returning channel, user_id
   ), told as (
     insert into trunkline.channels as c (channel, epoch)
     select trunkline.inbox(user_id), 1 from gone
     on conflict (channel) do update set epoch = c.epoch + 1
   )
   select channel from gone`,
);

/** The groups of a user and the epoch they belong to, in one snapshot. */
export const READ_MEMBERSHIPS = statement<{ channel: string | null; epoch: number }>(
  'read_memberships',
  `select m.channel, coalesce(c.epoch, 0) as epoch
     from (select trunkline.inbox($1::text) as inbox) as u
     left join trunkline.channels c on c.channel = u.inbox
     left join trunkline.memberships m on m.user_id = $1`,
);
