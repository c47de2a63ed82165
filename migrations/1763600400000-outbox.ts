import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Messages that enter a channel later: published from SQL in an open transaction, or due at a time. */
export class Outbox1763600400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
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
  -- why it could not be moved; such a row is not tried again
  error text
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index outbox_due_idx on trunkline.outbox (due_at, id) where error is null;
create unique index outbox_publish_id_idx on trunkline.outbox (channel, publish_id, publisher) where publish_id is not null;

-- A time-ordered id (UUID version 7); PostgreSQL has a function of its own only from 18 on.
create function trunkline.message_id() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
           substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
           52, 1), 53, 1), 'hex')::uuid
$$;

-- Publishes a message in the caller's transaction: rolled back with it, delivered after its commit. The limits are the
-- defaults of the server. Returns the id of the message.
create function trunkline.publish(channel text, type text, data jsonb, options jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  new_id uuid := trunkline.message_id();
  author text := 'sql:' || session_user;
  due timestamptz := '-infinity';
  unknown text;
  known uuid;
  is_same boolean;
begin
  if channel is null or channel !~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$' or length(channel) > 200 then
    raise exception 'trunkline 1002: % is not a channel: user:<id>, group:<name> or broadcast', left(channel, 50)
      using errcode = 'invalid_parameter_value';
  elsif type is null or length(type) not between 1 and 100 or type like 'trunkline.%' then
    raise exception 'trunkline 1000: a type has 1 to 100 characters and does not begin with trunkline.'
      using errcode = 'invalid_parameter_value';
  elsif data is null or octet_length(data::text) > 65536 then
    raise exception 'trunkline 1003: data is null or longer than 65536 bytes' using errcode = 'invalid_parameter_value';
  elsif data @? 'strict $.**{32 to last} ? (@.type() == "object" || @.type() == "array")' then
    raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
  elsif octet_length(data::text) > 5000 -- shorter ones cannot hold as many
        and (select count(*) from jsonb_path_query(data, 'strict $.** ? (@.type() == "object").keyvalue()')) > 1000 then
    raise exception 'trunkline 1005: data has more than 1000 keys' using errcode = 'invalid_parameter_value';
  elsif jsonb_typeof(options) is distinct from 'object' then
    raise exception 'trunkline 1000: options is not an object' using errcode = 'invalid_parameter_value';
  end if;

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
  elsif options ->> 'exceptUser' !~ '^[A-Za-z0-9._:@/+-]{1,195}$' then
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
    end if;
  end if;

  -- Each turn sees what was committed until then: a publish id that another transaction takes meanwhile is found next.
  loop
    select p.message_id, m.id is null or (m.type = publish.type and m.body = data::text) into known, is_same
      from trunkline.publish_ids p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where p.channel = publish.channel and p.publish_id = options ->> 'publishId' and p.publisher = author
     union all
    select o.message_id, o.type = publish.type and o.body = data::text
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
    values (due, new_id, publish.channel, author, publish.type, data::text, options ->> 'metadata',
            nullif(jsonb_strip_nulls(jsonb_build_object('collapseKey', options ->> 'collapseKey',
              'deliverTo', nullif(options ->> 'deliverTo', 'all-devices'), 'exceptUser', options ->> 'exceptUser')), '{}')::text,
            (options ->> 'ttlMs')::numeric::bigint, options ->> 'publishId')
    on conflict (channel, publish_id, publisher) where publish_id is not null do nothing;
    if found then
      return new_id;
    end if;
  end loop;
end $$;
revoke execute on function trunkline.publish from public;

-- Moves up to max_rows committed, due rows in their order through append; one caller at a time, the others get nothing.
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
  ), batch as (
    select array_agg(t.channel order by t.due_at, t.id) as channels, array_agg(t.message_id order by t.due_at, t.id) as ids,
           array_agg(t.publisher order by t.due_at, t.id) as publishers, array_agg(t.sender order by t.due_at, t.id) as senders,
           array_agg(t.type order by t.due_at, t.id) as types, array_agg(t.body order by t.due_at, t.id) as bodies,
           array_agg(t.metadata order by t.due_at, t.id) as metadatas, array_agg(t.controls order by t.due_at, t.id) as controls,
           array_agg(coalesce(t.ttl_ms, nullif(case when t.channel like 'user:%' then user_ttl_ms
                                                     when t.channel like 'group:%' then group_ttl_ms
                                                     else broadcast_ttl_ms end, 0)) order by t.due_at, t.id) as ttls_ms, array_agg(t.publish_id order by t.due_at, t.id) as publish_ids
      from taken t having count(*) > 0
  )
  select b.channels[a.ord], a.id, a.seq, a.outcome
    from batch b
   cross join lateral trunkline.append(b.channels, b.ids, b.publishers, b.senders, b.types, b.bodies, b.metadatas,
                                       b.controls, b.ttls_ms, b.publish_ids, drain_outbox.dedupe_window) as a;
end $$;
`;
