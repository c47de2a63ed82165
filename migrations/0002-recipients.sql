-- The recipients: users have inboxes and devices, devices have cursors, and groups have members.

-- The name of a user's inbox, and back, as inboxOf and userOf of libs/protocol make them: a character that a channel name
-- cannot have stands in it as its bytes of UTF-8, each written as % and two upper-case hexadecimal digits. inbox and
-- inbox_user have no subquery, so that PostgreSQL inlines them: for a plain id they cost a regular expression (0.4 µs)
-- and not the call of a function (10 µs).
create function trunkline.encode_user(user_id text) returns text
language sql immutable strict parallel safe as $$
  select string_agg(case when c ~ '^[A-Za-z0-9._:@/+-]$' then c
                         else (select string_agg('%' || substr(hex, at, 2), '' order by at)
                                 from generate_series(1, length(hex), 2) as at) end, '' order by ord)
    from regexp_split_to_table(user_id, '') with ordinality as s (c, ord)
   cross join lateral (select upper(encode(convert_to(c, 'UTF8'), 'hex')) as hex) as h
$$;
comment on function trunkline.encode_user is 'A user id as it stands in the name of an inbox.';

create function trunkline.decode_user(encoded text) returns text
language sql immutable strict parallel safe as $$
  select convert_from(string_agg(case when starts_with(part[1], '%') then decode(substr(part[1], 2), 'hex')
                                      else convert_to(part[1], 'UTF8') end, ''::bytea order by ord), 'UTF8')
    from regexp_matches(encoded, '%[0-9A-F]{2}|[^%]', 'g') with ordinality as m (part, ord)
$$;
comment on function trunkline.decode_user is 'The user id behind its form in the name of an inbox.';

create function trunkline.inbox(user_id text) returns text
language sql immutable strict parallel safe as $$
  select 'user:' || case when user_id ~ '^[A-Za-z0-9._:@/+-]+$' then user_id else trunkline.encode_user(user_id) end
$$;
comment on function trunkline.inbox is 'The channel that is the inbox of a user.';

create function trunkline.inbox_user(channel text) returns text
language sql immutable strict parallel safe as $$
  select case when channel not like 'user:%' then null
              when position('%' in channel) = 0 then substr(channel, 6)
              else trunkline.decode_user(substr(channel, 6)) end
$$;
comment on function trunkline.inbox_user is 'The user whose inbox a channel user:<id> is; null of what is no inbox.';

-- The ids . and .. are no user ids, because a URL cannot name such a user, and so they have no inboxes either.
create function trunkline.is_channel(channel text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  if channel ~ '^user:.*%' then
    return octet_length(channel) <= 605 and channel ~ '^user:([A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$'
       and length(trunkline.inbox_user(channel)) <= 200
       and trunkline.inbox_user(channel) !~ '[\u0001-\u001F\u007F-\u009F]'
       and trunkline.inbox(trunkline.inbox_user(channel)) = channel;
  end if;
  return coalesce(length(channel) <= case when channel like 'user:%' then 205 else 200 end
                  and channel ~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$'
                  and channel !~ '^user:[.][.]?$', false);
exception when character_not_in_repertoire or untranslatable_character then
  return false; -- the bytes behind the % are no UTF-8
end $$;
comment on function trunkline.is_channel is
  'Tells whether a text is the name of a channel: user:<id>, group:<name> or broadcast.';

create table trunkline.devices (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  primary key (user_id, device_id)
) with (fillfactor = 70);
comment on table trunkline.devices is 'The devices of users. Each receives every message of its user''s channels once.';
-- Finds users whose ids differ only in case from one that a publisher wrote.
create index devices_lower_user_id_idx on trunkline.devices (lower(user_id));

create table trunkline.cursors (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  channel text collate "C" not null,
  delivered_seq bigint not null,
  read_seq bigint not null default 0,
  started_seq bigint not null default 0,
  failed_attempts integer not null default 0,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (user_id, device_id, channel)
) with (fillfactor = 50);
comment on table trunkline.cursors is
  'How far each device has come in each channel. Cursors are cumulative: everything up to delivered_seq is settled.';
comment on column trunkline.cursors.started_seq is 'Where this device began. What came before was never meant for it.';
comment on column trunkline.cursors.failed_attempts is
  'Failed attempts at the message behind delivered_seq, on any connection.';

create table trunkline.memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (channel, user_id)
);
comment on table trunkline.memberships is 'The members of groups. A member receives what stands behind joined_seq.';
create index memberships_user_id_idx on trunkline.memberships (user_id, channel);

-- A table of its own, because memberships is read whenever a device connects.
create table trunkline.past_memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamptz not null,
  left_seq bigint not null,
  left_at timestamptz not null default clock_timestamp(),
  constraint past_memberships_pkey primary key (channel, user_id, left_at)
);
comment on table trunkline.past_memberships is
  'Memberships that have ended: the user was to receive what stands behind joined_seq up to left_seq.';
create index past_memberships_left_at_idx on trunkline.past_memberships (left_at);
create index past_memberships_user_id_idx on trunkline.past_memberships (user_id, channel);

create table trunkline.claims (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  claimed_at timestamptz not null default clock_timestamp(),
  primary key (channel, seq, user_id)
);
comment on table trunkline.claims is 'Which device took a message that is for the first device of its user.';
create index claims_claimed_at_idx on trunkline.claims (claimed_at);

create table trunkline.dead_letters (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  message_id uuid not null,
  attempts integer not null,
  error text,
  died_at timestamptz not null default clock_timestamp(),
  requeued_as uuid,
  purged_at timestamptz,
  primary key (channel, seq, user_id, device_id)
);
comment on table trunkline.dead_letters is 'Messages that were given up for a device after too many attempts.';
comment on column trunkline.dead_letters.purged_at is
  'When it was taken off the list. Its row stays until its message is gone, because the message, which the cursor of '
  'the device has passed, would otherwise look delivered.';
create index dead_letters_died_at_idx on trunkline.dead_letters (died_at, message_id);

-- A row is locked while progress of its reader is reported, so of two devices at once each reports only what is new.
create table trunkline.receipts (
  author text collate "C" not null,
  channel text collate "C" not null,
  user_id text collate "C" not null,
  state text collate "C" not null constraint receipts_state_is_known check (state in ('delivered', 'read')),
  seq bigint not null,
  updated_on date not null default (clock_timestamp() at time zone 'utc')::date,
  constraint receipts_pkey primary key (author, channel, user_id, state)
) with (fillfactor = 70);
comment on table trunkline.receipts is
  'How far each reader of a channel has been reported to each author. Receipts are cumulative.';
comment on column trunkline.receipts.user_id is 'The user who has received or read.';
comment on column trunkline.receipts.updated_on is
  'A day, because an index on a time would make every update write to every index.';
create index receipts_updated_on_idx on trunkline.receipts (updated_on);

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
comment on function trunkline.fail_attempts is
  'Counts failed attempts at the message behind each cursor. A message that failed max_attempts times in all is '
  'given up for that device: it is written to dead_letters, and the cursor passes it. 0 never gives up.';
