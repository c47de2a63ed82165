-- The outbox: messages that are published from SQL, or for a later time, wait here until they are moved into the log.

-- Without a seq: numbering would hold the channel's lock until the application commits, and queue every other writer.
create table trunkline.outbox (
  id bigint generated always as identity primary key,
  due_at timestamptz not null,
  message_id uuid not null unique,
  channel text collate "C" not null,
  publisher text collate "C" not null,
  sender text,
  type text not null,
  body text not null,
  metadata text,
  controls text,
  ttl_ms bigint,
  publish_id text collate "C",
  created_at timestamptz not null default clock_timestamp(),
  error text
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
comment on table trunkline.outbox is
  'Messages that wait to be moved into the log: those published from SQL, and scheduled ones until their time.';
comment on column trunkline.outbox.error is 'Why it could not be moved. Such a row is not tried again.';
create index outbox_due_idx on trunkline.outbox (due_at, id) where error is null;
create unique index outbox_publish_id_idx on trunkline.outbox (channel, publish_id, publisher) where publish_id is not null;
-- Scheduled messages are counted for each user.
create index outbox_user_idx on trunkline.outbox (publisher) where publisher like 'user:%';

create function trunkline.message_id() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
           substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
           52, 1), 53, 1), 'hex')::uuid
$$;
comment on function trunkline.message_id is
  'A new time-ordered id (UUID version 7); PostgreSQL has a function of its own only from 18 on.';

create function trunkline.latest_due() returns timestamptz language sql stable as $$
  select clock_timestamp() + interval '366 days'
$$;
comment on function trunkline.latest_due is 'Until when a message may be scheduled: a year, also a leap year.';

-- It runs with the rights of the owner, so only those whom an operator lets may call it. pg_temp is named last in
-- search_path: otherwise PostgreSQL looks for types in pg_temp first, and a role that may publish and make temporary types
-- would run code of its own with these rights.
create function trunkline.publish(channel text, type text, data text, options jsonb default '{}') returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
#variable_conflict use_column
declare
  given text := btrim(data, E' \t\n\r');
  new_id uuid := trunkline.message_id();
  tries integer := 0;
  author text := 'sql:' || session_user;
  due timestamptz := '-infinity';
  unknown text;
  known uuid;
  is_same boolean;
begin
  if not trunkline.is_channel(channel) then
    raise exception 'trunkline 1002: % is not a channel: user:<id>, group:<name> or broadcast', left(channel, 50)
      using errcode = 'invalid_parameter_value';
  elsif type is null or length(type) not between 1 and 100 or type like 'trunkline.%' then
    raise exception 'trunkline 1000: a type has 1 to 100 characters and does not begin with trunkline.'
      using errcode = 'invalid_parameter_value';
  elsif jsonb_typeof(options) is distinct from 'object' then
    raise exception 'trunkline 1000: options is not an object' using errcode = 'invalid_parameter_value';
  end if;

  perform trunkline.check_body(given);
  -- An option that is null counts as left out.
  select string_agg(key, ', ') into unknown from jsonb_object_keys(options) as key
   where key not in ('metadata', 'ttlMs', 'publishId', 'sendAt', 'collapseKey', 'deliverTo', 'exceptUser');
  if unknown is not null then
    raise exception 'trunkline 1008: unknown options: %', left(unknown, 200) using errcode = 'invalid_parameter_value';
  elsif options ->> 'ttlMs' is not null and not options @?
      'strict $.ttlMs ? (@.type() == "number" && @ >= 1 && @ <= 31536000000 && @ == @.floor())' then
    raise exception 'trunkline 1007: ttlMs is not a whole number from 1 to 31536000000'
      using errcode = 'invalid_parameter_value';
  elsif length(options ->> 'publishId') not between 1 and 100 or length(options ->> 'collapseKey') not between 1 and 100 then
    raise exception 'trunkline 1000: publishId and collapseKey have 1 to 100 characters' using errcode = 'invalid_parameter_value';
  elsif options ->> 'deliverTo' not in ('all-devices', 'first-device') then
    raise exception 'trunkline 1000: deliverTo is all-devices or first-device' using errcode = 'invalid_parameter_value';
  elsif options ->> 'exceptUser' is not null and not trunkline.is_channel(trunkline.inbox(options ->> 'exceptUser')) then
    raise exception 'trunkline 1000: exceptUser is not a user' using errcode = 'invalid_parameter_value';
  elsif options ->> 'metadata' is not null and (
      jsonb_typeof(options -> 'metadata') <> 'object'
      or (select count(*) > 20 or bool_or(not m.value @? 'strict $ ? (@.type() == "string")' or length(m.key) not between 1 and 100
                                           or length(m.value #>> '{}') > 1000)
            from jsonb_each(case jsonb_typeof(options -> 'metadata') when 'object' then options -> 'metadata' end) as m)) then
    raise exception 'trunkline 1000: metadata is an object of at most 20 strings, each of at most 1000 characters'
      using errcode = 'invalid_parameter_value';
  end if;
  if options ->> 'sendAt' is not null then
    begin
      due := (options ->> 'sendAt')::timestamptz;
    exception when data_exception then
      due := 'infinity';
    end;
    if not isfinite(due) then
      raise exception 'trunkline 1000: sendAt is not a time' using errcode = 'invalid_parameter_value';
    elsif due > trunkline.latest_due() then
      raise exception 'trunkline 1000: sendAt is more than a year ahead' using errcode = 'invalid_parameter_value';
    end if;
  end if;

  -- Each turn sees what was committed until then: a publish id that another transaction takes meanwhile is found next.
  loop
    select p.message_id, m.body is null or (m.type = publish.type and trunkline.is_same_json(m.body, given))
      into known, is_same
      from trunkline.publish_ids p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where p.channel = publish.channel and p.publish_id = options ->> 'publishId' and p.publisher = author
     union all
    select o.message_id, o.type = publish.type and trunkline.is_same_json(o.body, given)
      from trunkline.outbox o
     where o.channel = publish.channel and o.publish_id = options ->> 'publishId' and o.publisher = author
     limit 1;
    if not is_same then
      raise exception 'trunkline 1013: publishId was used before for this channel with another body'
        using errcode = 'unique_violation';
    elsif known is not null then
      return known;
    end if;

    insert into trunkline.outbox as o (due_at, message_id, channel, publisher, type, body, metadata, controls, ttl_ms, publish_id)
    values (due, new_id, publish.channel, author, publish.type, given, options ->> 'metadata',
            nullif(jsonb_strip_nulls(jsonb_build_object('collapseKey', options ->> 'collapseKey',
              'deliverTo', nullif(options ->> 'deliverTo', 'all-devices'), 'exceptUser', options ->> 'exceptUser')), '{}')::text,
            (options ->> 'ttlMs')::numeric::bigint, options ->> 'publishId')
    on conflict do nothing;
    if found then
      return new_id;
    end if;
    -- Neither the publish id nor another transaction: the sequence of the table gives out numbers that are taken.
    tries := tries + 1;
    if tries > 1 then
      perform trunkline.mend_sequences();
    end if;
  end loop;
end $$;
comment on function trunkline.publish(text, text, text, jsonb) is
  'Publishes a message in the transaction of the caller: rolled back with it, delivered after its commit. The JSON '
  'in data reaches every reader as it is written. The limits are the defaults of the server. Returns the id of the '
  'message.';

create function trunkline.publish(channel text, type text, data json, options jsonb default '{}') returns uuid
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select trunkline.publish(channel, type, data::text, options)
$$;
comment on function trunkline.publish(text, text, json, jsonb) is
  'Publishes a message in the transaction of the caller, as publish with text does.';

create function trunkline.publish(channel text, type text, data jsonb, options jsonb default '{}') returns uuid
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select trunkline.publish(channel, type, data::text, options)
$$;
comment on function trunkline.publish(text, text, jsonb, jsonb) is
  'Publishes a message in the transaction of the caller. jsonb has dropped repeated keys by then, has an order of '
  'keys of its own, and knows numbers by their value.';

revoke execute on function trunkline.publish(text, text, text, jsonb), trunkline.publish(text, text, json, jsonb),
  trunkline.publish(text, text, jsonb, jsonb) from public;

-- Of the receipts about what one reader has reached only the newest is moved, because it says all that the others say.
create function trunkline.drain_outbox(
  max_rows integer, dedupe_window interval, user_ttl_ms bigint, group_ttl_ms bigint, broadcast_ttl_ms bigint
) returns table (channel text, message_id uuid, seq bigint, outcome text)
language plpgsql as $$
#variable_conflict use_column
begin
  if not pg_try_advisory_xact_lock(7258, 1) then
    return;
  end if;
  return query
  with due as (
    select id from trunkline.outbox where error is null and due_at <= clock_timestamp()
     order by due_at, id limit max_rows for update skip locked
  ), taken as (
    delete from trunkline.outbox o using due where o.id = due.id returning o.*
  ), kept as (
    select t.* from taken t
     where t.type <> 'trunkline.receipt'
        or not exists (select from taken newer
                        where newer.type = t.type and newer.channel = t.channel and newer.controls = t.controls
                          and newer.id > t.id)
  ), batch as (
    select array_agg(t.channel order by t.due_at, t.id) as channels, array_agg(t.message_id order by t.due_at, t.id) as ids,
           array_agg(t.publisher order by t.due_at, t.id) as publishers, array_agg(t.sender order by t.due_at, t.id) as senders,
           array_agg(t.type order by t.due_at, t.id) as types, array_agg(t.body order by t.due_at, t.id) as bodies,
           array_agg(t.metadata order by t.due_at, t.id) as metadatas, array_agg(t.controls order by t.due_at, t.id) as controls,
           array_agg(coalesce(t.ttl_ms, nullif(case when t.channel like 'user:%' then user_ttl_ms
                                                     when t.channel like 'group:%' then group_ttl_ms
                                                     else broadcast_ttl_ms end, 0)) order by t.due_at, t.id) as ttls_ms, array_agg(t.publish_id order by t.due_at, t.id) as publish_ids
      from kept t having count(*) > 0
  ), moved as (
    select i.own_id, i.channel, i.id, i.seq, coalesce(i.outcome, 'stored') as outcome
      from batch b
     cross join lateral trunkline.append(b.channels, b.ids, b.publishers, b.senders, b.types, b.bodies, b.metadatas,
                                         b.controls, b.ttls_ms, b.publish_ids, drain_outbox.dedupe_window) as a
     cross join lateral unnest(b.ids, b.channels, a.stored_ids, a.seqs, a.outcomes) as i (own_id, channel, id, seq, outcome)
  ), put_aside as (
    insert into trunkline.outbox (id, due_at, message_id, channel, publisher, sender, type, body, metadata, controls, ttl_ms,
                                  publish_id, created_at, error) overriding system value
    select t.id, t.due_at, t.message_id, t.channel, t.publisher, t.sender, t.type, t.body, t.metadata, t.controls, t.ttl_ms,
           t.publish_id, t.created_at, 'its publishId was used for another message before its time came'
      from moved m join taken t on t.message_id = m.own_id where m.outcome = 'conflict'
  )
  select m.channel, case m.outcome when 'conflict' then m.own_id else m.id end, m.seq, m.outcome from moved m;
end $$;
comment on function trunkline.drain_outbox is
  'Moves up to max_rows committed, due rows in their order into the log; one caller at a time, the others get '
  'nothing.';
