import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Presence by the inboxes of users whose ids are encoded in channel names; the rules for channel names, as TypeScript has them. */
export class PresenceOfAnyUser1763602110000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

// Control characters are written out: [[:cntrl:]] means something else in each locale.
const UP = `
create or replace function trunkline.is_channel(channel text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  if channel ~ '^user:.*%' then
    return octet_length(channel) <= 605 and channel ~ '^user:([A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$'
       and length(trunkline.inbox_user(channel)) <= 200
       and trunkline.inbox_user(channel) !~ '[\\u0001-\\u001F\\u007F-\\u009F]'
       and trunkline.inbox(trunkline.inbox_user(channel)) = channel;
  end if;
  return coalesce(length(channel) <= case when channel like 'user:%' then 205 else 200 end
                  and channel ~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$', false);
exception when character_not_in_repertoire or untranslatable_character then
  return false; -- the bytes behind the % are no UTF-8
end $$;

-- The channels in which a user is present: its own, and its groups.
create or replace function trunkline.channels_of(users text[]) returns table (channel text) language sql stable as $$
  select trunkline.inbox(u.user_id) from unnest(users) as u (user_id)
   union
  select m.channel from trunkline.memberships m where m.user_id = any (users)
$$;

-- Who of them is online: the user of user:<id>, the members of group:<name>.
create or replace function trunkline.online_in(channels text[]) returns table (channel text, user_id text)
language sql stable as $$
  select p.channel, p.user_id
    from (select a.channel, trunkline.inbox_user(a.channel) as user_id from unnest(channels) as a (channel)
           where a.channel like 'user:%'
           union all
          select m.channel, m.user_id from trunkline.memberships m where m.channel = any (channels)) as p
   where exists (select from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
                  where c.user_id = p.user_id)
$$;

-- The presence of the user of user:<id> or of the members of group:<name>: at most max_users, those online first.
create or replace function trunkline.presence_of(channels text[], max_users integer)
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
`;
