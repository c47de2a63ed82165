-- Presence: who is online and who was last seen when, for the server and for applications.

create view trunkline.presence as
select d.user_id, d.device_id, coalesce(c.connections, 0) > 0 as is_online, coalesce(c.connections, 0) as connections,
       greatest(d.last_seen_at, s.last_activity_at, c.last_heartbeat) as last_seen_at
  from trunkline.devices d
  left join (select c.user_id, c.device_id, count(*) as connections, max(c.last_heartbeat) as last_heartbeat
               from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
              group by c.user_id, c.device_id) as c on c.user_id = d.user_id and c.device_id = d.device_id
  left join (select s.user_id, s.device_id, max(s.last_activity_at) as last_activity_at
               from trunkline.sessions s group by s.user_id, s.device_id) as s
    on s.user_id = d.user_id and s.device_id = d.device_id;
comment on view trunkline.presence is
  'One row per device: whether it is online, on how many connections, and its last sign of life. Ask it by user_id.';

create view trunkline.online_users as
select c.user_id, count(*) as connections, min(c.connected_at) as online_since
  from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
 group by c.user_id;
comment on view trunkline.online_users is
  'One row per user who is online, with the number of connections and the time since when.';

create function trunkline.last_seen(user_id text) returns timestamptz language sql stable as $$
  select greatest(
    (select max(d.last_seen_at) from trunkline.devices d where d.user_id = last_seen.user_id),
    (select max(s.last_activity_at) from trunkline.sessions s where s.user_id = last_seen.user_id),
    (select max(c.last_heartbeat) from trunkline.connections c
       join trunkline.instances i on i.instance_id = c.instance_id where c.user_id = last_seen.user_id))
$$;
comment on function trunkline.last_seen is
  'The last sign of life of a user that was written; null if there never was one.';

create function trunkline.channels_of(users text[]) returns table (channel text) language sql stable as $$
  select trunkline.inbox(u.user_id) from unnest(users) as u (user_id)
   union
  select m.channel from trunkline.memberships m where m.user_id = any (users)
$$;
comment on function trunkline.channels_of is 'The channels in which users are present: their inboxes and their groups.';

create function trunkline.online_in(channels text[]) returns table (channel text, user_id text)
language sql stable as $$
  select p.channel, p.user_id
    from (select a.channel, trunkline.inbox_user(a.channel) as user_id from unnest(channels) as a (channel)
           where a.channel like 'user:%'
           union all
          select m.channel, m.user_id from trunkline.memberships m where m.channel = any (channels)) as p
   where exists (select from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
                  where c.user_id = p.user_id)
$$;
comment on function trunkline.online_in is
  'The users of channels who are online: the user of an inbox, the members of a group.';

create function trunkline.presence_of(channels text[], max_users integer)
returns table (channel text, members bigint, online bigint, user_id text, is_online boolean, last_seen_at timestamptz)
language sql stable as $$
  select a.channel, p.members, p.online, p.user_id, p.is_online, trunkline.last_seen(p.user_id)
    from unnest(channels) as a (channel)
   cross join lateral (
         select m.user_id, o.is_online, count(*) over () as members, count(*) filter (where o.is_online) over () as online
           from (select trunkline.inbox_user(a.channel) as user_id where a.channel like 'user:%'
                  union all
                 select s.user_id from trunkline.memberships s where s.channel = a.channel) as m
          cross join lateral (
                select exists (select from trunkline.connections c
                                 join trunkline.instances i on i.instance_id = c.instance_id
                                where c.user_id = m.user_id) as is_online) as o
          order by o.is_online desc, m.user_id collate "C"
          limit max_users) as p
$$;
comment on function trunkline.presence_of is
  'The presence of the user of an inbox or of the members of a group: at most max_users of each channel, those '
  'online first.';
