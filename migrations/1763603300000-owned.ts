import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Scheduled messages are counted for each user, and wait for a year at most, also those from SQL. */
export class Owned1763603300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = String.raw`
create index outbox_user_idx on trunkline.outbox (publisher) where publisher like 'user:%';

-- Until when a message may be scheduled: a year, also one that is a leap year.
create function trunkline.latest_due() returns timestamptz language sql stable as $$
  select clock_timestamp() + interval '366 days'
$$;

-- Publishes a message in the caller's transaction: rolled back with it, delivered after its commit. The JSON in data goes
-- to every reader as it is written here. The limits are the defaults of the server. Returns the id of the message.
create or replace function trunkline.publish(channel text, type text, data text, options jsonb default '{}') returns uuid
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
`;
