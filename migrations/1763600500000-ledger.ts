import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What became of each message for each device, derived from cursors and attempts; the SQL surface for applications. */
export class Ledger1763600500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- One row per message and device it is for (device_id null: the user has none yet). Ask it by message_id, or by channel
-- and seq. A cursor beyond a message that may have been passed over (expired, cancelled, collapsed, withheld from the
-- sender's connection) says nothing by itself: then an acknowledged attempt has to cover it, one that does so from
-- before its end, since a client that resumes acknowledges a range whatever is missing from it.
create view trunkline.delivery_status as
select m.id as message_id, m.channel, m.seq, m.type, m.sender, m.created_at, m.expires_at, r.user_id, d.device_id,
       case
         when l.seq is not null then 'dead'
         when c.delivered_seq >= m.seq and coalesce(evidence.is_there, true)
           then case when c.read_seq >= m.seq then 'read' else 'delivered' end
         when m.expires_at <= clock_timestamp() then case when m.controls ->> 'cancelled' is null then 'expired' else 'cancelled' end
         when c.delivered_seq >= m.seq then 'collapsed'
         when exists (
                select from trunkline.attempts a
                 where a.channel = m.channel and a.from_seq <= m.seq and a.to_seq >= m.seq and a.user_id = r.user_id
                   and a.device_id = d.device_id)
           then 'sent'
         else 'queued'
       end as status
  from trunkline.messages m
 cross join lateral (
       select substr(m.channel, 6) as user_id where m.channel like 'user:%'
       union all
       select s.user_id from trunkline.memberships s where s.channel = m.channel and s.joined_seq < m.seq
       union all
       select distinct b.user_id from trunkline.devices b where m.channel = 'broadcast') as r
  left join trunkline.devices d on d.user_id = r.user_id
  left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = d.device_id and c.channel = m.channel
  left join trunkline.dead_letters l
    on l.channel = m.channel and l.seq = m.seq and l.user_id = r.user_id and l.device_id = d.device_id
  left join trunkline.claims k on k.channel = m.channel and k.seq = m.seq and k.user_id = r.user_id
  left join lateral (
       select exists (
                select from trunkline.attempts a
                 where a.channel = m.channel and a.from_seq <= m.seq and a.to_seq >= m.seq and a.user_id = r.user_id
                   and a.device_id = d.device_id and a.outcome = 'acknowledged'
                   and (m.expires_at is null or a.sent_at < m.expires_at)) as is_there) as evidence
    on c.delivered_seq >= m.seq
   and (m.expires_at <= clock_timestamp() or m.controls ->> 'collapseKey' is not null
        or (m.controls ->> 'exceptConnection' is not null and r.user_id = m.sender))
 where m.seq > coalesce(c.started_seq, 0)
   and (m.controls ->> 'exceptUser' is null or m.controls ->> 'exceptUser' <> r.user_id)
   and (k.device_id is null or k.device_id = d.device_id)
   and (evidence.is_there is not false or m.controls ->> 'exceptConnection' is null or r.user_id <> m.sender);

-- What somebody is still to receive.
create view trunkline.undelivered as
select * from trunkline.delivery_status where status in ('queued', 'sent');

-- A user is online while one of its connections is alive: its row exists, and its instance is there.
create view trunkline.presence as
select d.user_id, d.device_id, count(i.instance_id) > 0 as is_online, count(i.instance_id) as connections,
       max(d.last_seen_at) as last_seen_at
  from trunkline.devices d
  left join trunkline.connections c on c.user_id = d.user_id and c.device_id = d.device_id
  left join trunkline.instances i on i.instance_id = c.instance_id
 group by d.user_id, d.device_id;

create view trunkline.online_users as
select c.user_id, count(*) as connections, min(c.connected_at) as online_since
  from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
 group by c.user_id;

-- Counts failed attempts at the message behind each cursor. One that failed max_attempts times in all is given up for
-- that device: written to dead_letters, and the cursor passes it. 0 never gives up.
create function trunkline.fail_attempts(
  users text[], devices text[], channels text[], from_seqs bigint[], errors text[], max_attempts integer
) returns table (user_id text, device_id text, channel text, seq bigint)
language plpgsql as $$
#variable_conflict use_column
begin
  if max_attempts = 0 then
    return;
  end if;
  return query
  with failed as (
    select user_id, device_id, channel, from_seq, max(error) as error, count(*)::integer as times
      from unnest(users, devices, channels, from_seqs, errors) as f (user_id, device_id, channel, from_seq, error)
     group by user_id, device_id, channel, from_seq
     order by user_id collate "C", device_id collate "C", channel collate "C"
  ), counted as (
    insert into trunkline.cursors as c (user_id, device_id, channel, delivered_seq, failed_attempts)
    select f.user_id, f.device_id, f.channel, f.from_seq - 1, f.times from failed f
    on conflict (user_id, device_id, channel) do update
      set failed_attempts = case when c.failed_attempts + excluded.failed_attempts >= max_attempts then 0
                                 else c.failed_attempts + excluded.failed_attempts end,
          delivered_seq = case when c.failed_attempts + excluded.failed_attempts >= max_attempts
                               then c.delivered_seq + 1 else c.delivered_seq end
      where c.delivered_seq = excluded.delivered_seq
    returning c.user_id, c.device_id, c.channel, c.delivered_seq
  )
  insert into trunkline.dead_letters as l (channel, seq, user_id, device_id, message_id, attempts, error)
  select n.channel, f.from_seq, n.user_id, n.device_id, m.id, max_attempts, f.error
    from counted n
    join failed f on f.user_id = n.user_id and f.device_id = n.device_id and f.channel = n.channel
    join trunkline.messages m on m.channel = n.channel and m.seq = f.from_seq
   where n.delivered_seq = f.from_seq
  on conflict (channel, seq, user_id, device_id) do nothing
  returning l.user_id, l.device_id, l.channel, l.seq;
end $$;
`;
