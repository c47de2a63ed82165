import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is online and who was last seen when, for the server and for applications. */
export class Presence1763600700000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- As before, but last_seen_at also counts sessions and signs of life. Ask it by user_id.
create or replace view trunkline.presence as
select d.user_id, d.device_id, coalesce(c.connections, 0) > 0 as is_online, coalesce(c.connections, 0) as connections,
       greatest(d.last_seen_at, s.last_activity_at, c.last_heartbeat) as last_seen_at
  from trunkline.devices d
  left join (select c.user_id, c.device_id, count(*) as connections, max(c.last_heartbeat) as last_heartbeat
               from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
              group by c.user_id, c.device_id) as c on c.user_id = d.user_id and c.device_id = d.device_id
  left join (select s.user_id, s.device_id, max(s.last_activity_at) as last_activity_at
               from trunkline.sessions s group by s.user_id, s.device_id) as s
    on s.user_id = d.user_id and s.device_id = d.device_id;

-- Null: never.
create function trunkline.last_seen(user_id text) returns timestamptz language sql stable as $$
  select greatest(
    (select max(d.last_seen_at) from trunkline.devices d where d.user_id = last_seen.user_id),
    (select max(s.last_activity_at) from trunkline.sessions s where s.user_id = last_seen.user_id),
    (select max(c.last_heartbeat) from trunkline.connections c
       join trunkline.instances i on i.instance_id = c.instance_id where c.user_id = last_seen.user_id))
$$;

-- The channels in which a user is present: its own, and its groups.
create function trunkline.channels_of(users text[]) returns table (channel text) language sql stable as $$
  select 'user:' || u.user_id from unnest(users) as u (user_id)
   union
  select m.channel from trunkline.memberships m where m.user_id = any (users)
$$;

-- Who of them is online: the user of user:<id>, the members of group:<name>.
create function trunkline.online_in(channels text[]) returns table (channel text, user_id text)
language sql stable as $$
  select p.channel, p.user_id
    from (select a.channel, substr(a.channel, 6) as user_id from unnest(channels) as a (channel)
           where a.channel like 'user:%'
           union all
          select m.channel, m.user_id from trunkline.memberships m where m.channel = any (channels)) as p
   where exists (select from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
                  where c.user_id = p.user_id)
$$;

-- The presence of the user of user:<id> or of the members of group:<name>: at most max_users, those online first.
create function trunkline.presence_of(channels text[], max_users integer)
returns table (channel text, members bigint, online bigint, user_id text, is_online boolean, last_seen_at timestamptz)
language sql stable as $$
  select a.channel, p.members, p.online, p.user_id, p.is_online, trunkline.last_seen(p.user_id)
    from unnest(channels) as a (channel)
   cross join lateral (
         select m.user_id, o.is_online, count(*) over () as members, count(*) filter (where o.is_online) over () as online
           from (select substr(a.channel, 6) as user_id where a.channel like 'user:%'
                  union all
                 select s.user_id from trunkline.memberships s where s.channel = a.channel) as m
          cross join lateral (
                select exists (select from trunkline.connections c
                                 join trunkline.instances i on i.instance_id = c.instance_id
                                where c.user_id = m.user_id) as is_online) as o
          order by o.is_online desc, m.user_id collate "C"
          limit max_users) as p
$$;
`;
