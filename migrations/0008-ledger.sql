-- The ledger: what became of each message for each device, also of those who have left.

-- A cursor beyond a message that may have been passed over (expired, cancelled, collapsed, withheld from the sender's
-- connection, published before the user left the group) says nothing by itself: then an acknowledged attempt has to cover
-- it, one from before its end, because a client that resumes acknowledges a range whatever is missing from it. An attempt
-- covers at most 10,000 messages, so that a vain search for one does not read all that was tried in the channel since.
create view trunkline.delivery_status as
select m.id as message_id, m.channel, m.seq, m.type, m.sender, m.created_at, m.expires_at, r.user_id, d.device_id,
       case
         when l.seq is not null then 'dead'
         when (c.delivered_seq >= m.seq or r.left_at is not null) and coalesce(evidence.is_there, true)
           then case when c.read_seq >= m.seq then 'read' else 'delivered' end
         when r.left_at < coalesce(m.expires_at, 'infinity') then 'left'
         when m.controls ->> 'cancelled' is not null then 'cancelled'
         when m.expires_at <= clock_timestamp() then 'expired'
         when c.delivered_seq >= m.seq then 'collapsed'
         -- It may be under way to a device that is connected: its cursor will tell.
         when m.controls ->> 'collapseKey' is not null
          and exists (
                select from trunkline.messages newer
                 where newer.channel = m.channel and newer.controls ->> 'collapseKey' = m.controls ->> 'collapseKey'
                   and newer.controls ->> 'collapseBy' is not distinct from m.controls ->> 'collapseBy'
                   and newer.seq > m.seq and newer.controls ->> 'cancelled' is null
                   and (newer.expires_at is null or newer.expires_at > clock_timestamp()))
          and not exists (
                select from trunkline.connections o where o.user_id = r.user_id and o.device_id = d.device_id)
           then 'collapsed'
         when exists (
                select from trunkline.attempts a
                 where a.channel = m.channel and a.from_seq <= m.seq and a.to_seq between m.seq and m.seq + 10000
                   and a.user_id = r.user_id and a.device_id = d.device_id)
           then 'sent'
         else 'queued'
       end as status
  from trunkline.messages m
 cross join lateral (
       select trunkline.inbox_user(m.channel) as user_id, null::timestamptz as left_at where m.channel like 'user:%'
       union all
       select s.user_id, null from trunkline.memberships s where s.channel = m.channel and s.joined_seq < m.seq
       union all
       select p.user_id, p.left_at from trunkline.past_memberships p
        where p.channel = m.channel and p.joined_seq < m.seq and p.left_seq >= m.seq
       union all
       select distinct b.user_id, null::timestamptz from trunkline.devices b
        where m.channel = 'broadcast' and b.created_at < coalesce(m.expires_at, 'infinity')) as r
  left join trunkline.devices d on d.user_id = r.user_id and d.created_at < coalesce(m.expires_at, 'infinity')
  left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = d.device_id and c.channel = m.channel
  left join trunkline.dead_letters l
    on l.channel = m.channel and l.seq = m.seq and l.user_id = r.user_id and l.device_id = d.device_id
  left join trunkline.claims k on k.channel = m.channel and k.seq = m.seq and k.user_id = r.user_id
  left join lateral (
       select exists (
                select from trunkline.attempts a
                 where a.channel = m.channel and a.from_seq <= m.seq and a.to_seq between m.seq and m.seq + 10000
                   and a.user_id = r.user_id and a.device_id = d.device_id and a.outcome = 'acknowledged'
                   and (m.expires_at is null or a.sent_at < m.expires_at)) as is_there) as evidence
    on r.left_at is not null
    or (c.delivered_seq >= m.seq
        and (m.expires_at <= clock_timestamp() or m.controls ->> 'cancelled' is not null or m.controls ->> 'collapseKey' is not null
             or (m.controls ->> 'exceptConnection' is not null and r.user_id = m.sender)))
 where m.seq > coalesce(c.started_seq, 0)
   and (m.controls ->> 'exceptUser' is null or m.controls ->> 'exceptUser' <> r.user_id)
   and (m.controls #>> '{exceptDevice,user}' = r.user_id and m.controls #>> '{exceptDevice,deviceId}' = d.device_id) is not true
   and (k.device_id is null or k.device_id = d.device_id)
   and (evidence.is_there is not false or m.controls ->> 'exceptConnection' is null or r.user_id <> m.sender);
comment on view trunkline.delivery_status is
  'One row per message and device it is for; device_id is null if the user had none before the message ended, or has '
  'none yet. Ask it by message_id, or by channel and seq.';
comment on column trunkline.delivery_status.status is
  'queued, sent, delivered, read, expired, cancelled, collapsed, left or dead.';

create view trunkline.undelivered as
select * from trunkline.delivery_status where status in ('queued', 'sent');
comment on view trunkline.undelivered is
  'What somebody is still to receive: the rows of delivery_status that are queued or sent.';
