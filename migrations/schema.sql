-- Generated from the migrations by `npm run schema`; compared by `npm run check`.

create table trunkline.attempts (
  channel text collate "C" not null,
  from_seq bigint not null,
  to_seq bigint not null,
  user_id text not null,
  device_id text not null,
  connection_id text not null,
  instance_id text not null,
  attempt integer not null,
  sent_at timestamp with time zone not null,
  settled_at timestamp with time zone not null,
  outcome text not null,
  error text,
  constraint attempts_outcome_is_known CHECK ((outcome = ANY (ARRAY['acknowledged'::text, 'timeout'::text, 'disconnected'::text])))
) partition by range (settled_at);
CREATE INDEX attempts_channel_seq_idx ON ONLY trunkline.attempts USING btree (channel, to_seq);
create table trunkline.attempts_default partition of trunkline.attempts default;

create table trunkline.channels (
  channel text collate "C" not null,
  last_seq bigint not null default 0,
  last_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  epoch integer not null default 0,
  constraint channels_pkey PRIMARY KEY (channel)
) with (fillfactor=50);

create unlogged table trunkline.connections (
  user_id text collate "C" not null,
  connection_id text collate "C" not null,
  device_id text not null,
  instance_id text collate "C" not null,
  address text,
  connected_at timestamp with time zone not null default clock_timestamp(),
  constraint connections_pkey PRIMARY KEY (user_id, connection_id)
) with (fillfactor=70);
CREATE INDEX connections_instance_id_idx ON trunkline.connections USING btree (instance_id);

create table trunkline.cursors (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  channel text collate "C" not null,
  delivered_seq bigint not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint cursors_pkey PRIMARY KEY (user_id, device_id, channel)
) with (fillfactor=50);

create table trunkline.devices (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  last_seen_at timestamp with time zone not null default clock_timestamp(),
  constraint devices_pkey PRIMARY KEY (user_id, device_id)
) with (fillfactor=70);

create unlogged table trunkline.instances (
  instance_id text collate "C" not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  lease_expires_at timestamp with time zone not null,
  draining boolean not null default false,
  lock_key integer,
  constraint instances_pkey PRIMARY KEY (instance_id)
) with (fillfactor=50);

create table trunkline.job_runs (
  job text not null,
  run_id bigint not null generated always as identity,
  instance_id text not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null default clock_timestamp(),
  rows bigint not null default 0,
  error text,
  constraint job_runs_pkey PRIMARY KEY (job, run_id)
);
CREATE INDEX job_runs_finished_at_idx ON trunkline.job_runs USING btree (job, finished_at DESC);

create table trunkline.memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamp with time zone not null default clock_timestamp(),
  constraint memberships_pkey PRIMARY KEY (channel, user_id)
);
CREATE INDEX memberships_user_id_idx ON trunkline.memberships USING btree (user_id, channel);

create table trunkline.messages (
  channel text collate "C" not null,
  seq bigint not null,
  id uuid not null,
  sender text,
  type text not null,
  body text not null,
  metadata text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone
) partition by range (created_at);
CREATE INDEX messages_channel_seq_idx ON ONLY trunkline.messages USING btree (channel, seq);
CREATE INDEX messages_expires_at_idx ON ONLY trunkline.messages USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX messages_id_idx ON ONLY trunkline.messages USING btree (id);
create table trunkline.messages_default partition of trunkline.messages default;

create table trunkline.publish_ids (
  channel text collate "C" not null,
  publisher text collate "C" not null,
  publish_id text collate "C" not null,
  seq bigint not null,
  message_id uuid not null,
  created_at timestamp with time zone not null
) partition by range (created_at);
create table trunkline.publish_ids_default partition of trunkline.publish_ids default;

create unlogged table trunkline.routes (
  channel text collate "C" not null,
  instance_id text collate "C" not null,
  constraint routes_pkey PRIMARY KEY (channel, instance_id)
);
CREATE INDEX routes_instance_id_idx ON trunkline.routes USING btree (instance_id);

CREATE OR REPLACE FUNCTION trunkline.append(channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval)
 RETURNS TABLE(ord bigint, id uuid, seq bigint, created_at timestamp with time zone, outcome text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  names text[];
  bases bigint[];
  times timestamptz[];
  seqs bigint[];
  ats timestamptz[];
  repeats bigint[] := '{}';
  is_again boolean := false;
  has_publish_ids boolean := exists (select from unnest(append.publish_ids) as p (publish_id) where publish_id is not null);
begin
  with wanted as (
    select channel, count(*) as size from unnest(append.channels) as channel group by channel
  ), bumped as (
    insert into trunkline.channels as c (channel, last_seq, last_at)
    select channel, size, clock_timestamp() from wanted order by channel collate "C"
    on conflict (channel) do update
      set last_seq = c.last_seq + excluded.last_seq, last_at = greatest(c.last_at, clock_timestamp())
    returning c.channel, c.last_seq, c.last_at
  )
  select array_agg(channel), array_agg(last_seq - size), array_agg(last_at)
    into names, bases, times
    from bumped join wanted using (channel);

  loop
    select array_agg(case when is_new then base + place end order by ord), array_agg(at order by ord)
      into seqs, ats
      from (select i.ord, b.seq as base, b.at, i.ord <> all (repeats) as is_new,
                   count(*) filter (where i.ord <> all (repeats)) over (partition by i.channel order by i.ord) as place
              from unnest(append.channels) with ordinality as i (channel, ord)
              join unnest(names, bases, times) as b (channel, seq, at) on b.channel = i.channel) as numbered;
    exit when not has_publish_ids;

    begin
      if not is_again and exists (
        select from unnest(append.channels, append.publish_ids, append.publishers, ats)
               as i (channel, publish_id, publisher, at)
         cross join lateral (
               select from trunkline.publish_ids p
                where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
                  and p.created_at > now() - append.dedupe_window and p.created_at < date_trunc('day', i.at, 'UTC')
                limit 1) as older) -- the limit keeps it a lookup by index for each, whatever the planner thinks
      then
        raise unique_violation;
      end if;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, ats)
             as i (channel, publisher, publish_id, id, seq, at)
       where i.publish_id is not null and i.seq is not null;
      exit;
    exception when unique_violation then
      if is_again then
        raise;
      end if;
      is_again := true;
      repeats := trunkline.find_repeats(append.channels, append.publishers, append.publish_ids, append.dedupe_window);
      -- Ids that a window shorter than a day has forgotten still stand in the index of today: they make room.
      delete from trunkline.publish_ids p
       using unnest(append.channels, append.publishers, append.publish_ids) as i (channel, publisher, publish_id)
       where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
         and p.created_at <= now() - append.dedupe_window;
      update trunkline.channels c
         set last_seq = c.last_seq - given.back
        from (select append.channels[o] as channel, count(*) as back from unnest(repeats) as o group by 1) as given
       where c.channel = given.channel;
    end;
  end loop;

  return query
  with fresh as (
    select * from unnest(append.channels, append.ids, append.senders, append.types, append.bodies, append.metadatas,
                         append.ttls_ms, seqs, ats)
           with ordinality as i (channel, id, sender, type, body, metadata, ttl_ms, seq, at, ord)
     where i.seq is not null
  ), stored as (
    insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, created_at, expires_at)
    select f.channel, f.seq, f.id, f.sender, f.type, f.body, f.metadata, f.at, f.at + f.ttl_ms * interval '1 millisecond'
      from fresh f
  )
  select f.ord, f.id, f.seq, f.at, 'stored' from fresh f;

  if repeats <> '{}' then
    return query
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.id is null or (m.type = i.type and m.body = i.body) then 'repeated' else 'conflict' end
      from unnest(append.channels, append.publishers, append.types, append.bodies, append.publish_ids)
           with ordinality as i (channel, publisher, type, body, publish_id, ord)
     cross join lateral (
           select * from trunkline.publish_ids p
            where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
              and p.created_at > now() - append.dedupe_window
            order by p.created_at limit 1) as p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where i.ord = any (repeats);
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.drop_partitions(parent text, before date, max_count integer)
 RETURNS text[]
 LANGUAGE plpgsql
AS $function$
declare
  name text;
  dropped text[] := '{}';
begin
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = to_regclass('trunkline.' || quote_ident(parent))
       and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}_[0-9]{2}$')
       and to_date(right(c.relname, 10), 'YYYY_MM_DD') < before
     order by c.relname limit max_count
  loop
    execute format('drop table trunkline.%I', name);
    dropped := dropped || name;
  end loop;
  return dropped;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.find_repeats(channels text[], publishers text[], publish_ids text[], dedupe_window interval)
 RETURNS bigint[]
 LANGUAGE sql
AS $function$
  select coalesce(array_agg(i.ord), '{}')
    from (select u.ord, u.channel, u.publish_id, u.publisher,
                 row_number() over (partition by u.channel, u.publish_id, u.publisher order by u.ord) as occurrence
            from unnest(channels, publish_ids, publishers) with ordinality as u (channel, publish_id, publisher, ord)
           where u.publish_id is not null) as i
    left join lateral (
         select true as is_stored from trunkline.publish_ids p
          where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
            and p.created_at > now() - find_repeats.dedupe_window
          limit 1) as earlier on true
   where i.occurrence > 1 or earlier.is_stored
$function$
;

CREATE OR REPLACE FUNCTION trunkline.make_partition(parent text, day date)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  name text := parent || '_' || to_char(day, 'YYYY_MM_DD');
  low text := to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00';
  high text := to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
  key text := case parent when 'attempts' then 'settled_at' else 'created_at' end;
begin
  if to_regclass('trunkline.' || quote_ident(name)) is not null then
    return false;
  end if;
  -- Several instances start at once: one makes it, the others wait here and then find it. They look into pg_class
  -- itself: to_regclass would answer from a cache that waiting for an advisory lock does not refresh.
  perform pg_advisory_xact_lock(7257, 1);
  if exists (select from pg_class where relname = name and relnamespace = 'trunkline'::regnamespace) then
    return false;
  end if;
  execute format('create table trunkline.%I (like trunkline.%I including defaults including constraints)', name, parent);
  execute format('alter table trunkline.%I add constraint bounds check (%I >= %L and %I < %L)', name, key, low, key, high);
  if parent = 'publish_ids' then
    execute format('create unique index %I on trunkline.%I (channel, publish_id, publisher)', name || '_key_idx', name);
  end if;
  -- What was stored before its day was prepared moves along: a default partition with a row of the day forbids the
  -- attaching, for ever. Attaching takes this lock in any case.
  execute format('lock table trunkline.%I in access exclusive mode', parent || '_default');
  execute format('with moved as (delete from trunkline.%I where %I >= %L and %I < %L returning *) insert into trunkline.%I select * from moved',
                 parent || '_default', key, low, key, high, name);
  execute format('alter table trunkline.%I attach partition trunkline.%I for values from (%L) to (%L)', parent, name, low, high);
  execute format('alter table trunkline.%I drop constraint bounds', name);
  return true;
end $function$
;
