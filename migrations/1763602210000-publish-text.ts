import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is published from SQL is stored as it came, held to the same limits as elsewhere; and sequences can be mended. */
export class PublishText1763602210000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = String.raw`
-- Whether a number of JSON is beyond what a double holds. What is too small for one becomes 0 in every reader and is not.
create function trunkline.exceeds_double(number text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  perform number::float8;
  return false;
exception when numeric_value_out_of_range then
  begin
    return abs(number::numeric) > 1;
  exception when numeric_value_out_of_range then
    return number !~ '[eE]-';
  end;
end $$;

-- Raises what is wrong with the JSON text of a body: the limits and numbers of libs/protocol/src/body.ts. It looks at the
-- text, since jsonb drops repeated keys, and what was nested in them.
create function trunkline.check_body(body text) returns void
language plpgsql immutable parallel safe set search_path = '' set standard_conforming_strings = on as $$
declare
  bare text;
  opened integer;
begin
  if body is null or octet_length(body) > 65536 then
    raise exception 'trunkline 1003: data is null or longer than 65536 bytes' using errcode = 'invalid_parameter_value';
  end if;
  begin
    perform body::json;
  exception
    when statement_too_complex then
      raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
    when data_exception then
      raise exception 'trunkline 1015: data is not JSON; a string needs its double quotes'
        using errcode = 'invalid_parameter_value';
  end;
  -- A space in the place of what is taken out, so that its neighbours do not become a pair.
  if position('\u' in body) > 0 and regexp_replace(replace(body, '\\', ' '),
       '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g') ~ '\\u0000|\\u[dD][89a-fA-F]' then
    raise exception 'trunkline 1006: data holds \u0000 or half a surrogate pair' using errcode = 'invalid_parameter_value';
  end if;
  -- Shorter ones cannot hold as many keys or levels.
  if octet_length(body) < 66 and body !~ '\d[eE]' then
    return;
  end if;
  bare := regexp_replace(body, '"(?:[^"\\]|\\.)*"', '""', 'g');
  if length(bare) - length(replace(bare, ':', '')) > 1000 then
    raise exception 'trunkline 1005: data has more than 1000 keys' using errcode = 'invalid_parameter_value';
  end if;
  opened := length(bare) - length(translate(bare, '[{', ''));
  if opened > 32 and (
       select max(depth) > 32
         from (select sum(case when c in ('[', '{') then 1 else -1 end) over (order by ord) as depth
                 from string_to_table(regexp_replace(bare, '[^][{}]', '', 'g'), null) with ordinality as b (c, ord)) as levels) then
    raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
  end if;
  if bare ~ '\d[eE]|\d{255}' and exists (
       select from regexp_matches(bare, '-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', 'g') as n (number)
        where (n.number[1] ~ '[eE]' or length(n.number[1]) > 308) and trunkline.exceeds_double(n.number[1])) then
    raise exception 'trunkline 1018: data holds a number beyond what a double holds, about 1.8e308; send it as a string'
      using errcode = 'invalid_parameter_value';
  end if;
end $$;

-- Brings the sequences of identity columns, which logical replication does not copy, to the end of their tables. Returns
-- those that were behind.
create function trunkline.mend_sequences() returns table (sequence text, was bigint, last_value bigint)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  owned record;
begin
  for owned in
    select format('trunkline.%I', c.relname) as relation, a.attname as col,
           pg_get_serial_sequence(format('trunkline.%I', c.relname), a.attname) as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'trunkline'::regnamespace and a.attidentity <> '' and not a.attisdropped and not c.relispartition
     order by 1, 2
  loop
    sequence := owned.name;
    execute format('select s.last_value - case when s.is_called then 0 else 1 end, (select max(%I) from %s) from %s s',
                   owned.col, owned.relation, owned.name) into was, last_value;
    if last_value > was then
      perform setval(owned.name::regclass, last_value);
      return next;
    end if;
  end loop;
end $$;
revoke execute on function trunkline.mend_sequences() from public;

-- Raises the numbers of channels, and their times, that are behind the rows of one table. Returns how many were. Locks them
-- in their order, as appending does; it reads the whole table, so it is called for one partition at a time.
create function trunkline.raise_seqs(relation regclass, seq_column text, time_column text) returns bigint
language plpgsql set search_path = '' as $$
declare
  raised bigint;
begin
  execute format($q$
    insert into trunkline.channels as c (channel, last_seq, last_at)
    select channel, max(%I), coalesce(max(%s), '-infinity') from %s group by channel having max(%I) > 0 order by channel collate "C"
    on conflict (channel) do update
      set last_seq = greatest(c.last_seq, excluded.last_seq), last_at = greatest(c.last_at, excluded.last_at)
      where c.last_seq < excluded.last_seq or c.last_at < excluded.last_at
  $q$, seq_column, coalesce(quote_ident(time_column), 'null::timestamptz'), relation, seq_column);
  get diagnostics raised = row_count;
  return raised;
end $$;
revoke execute on function trunkline.raise_seqs(regclass, text, text) from public;

-- Publishes a message in the caller's transaction: rolled back with it, delivered after its commit. The JSON in data goes
-- to every reader as it is written here. The limits are the defaults of the server. Returns the id of the message.
create function trunkline.publish(channel text, type text, data text, options jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' set standard_conforming_strings = on as $$
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
revoke execute on function trunkline.publish(text, text, text, jsonb) from public;

create function trunkline.publish(channel text, type text, data json, options jsonb default '{}') returns uuid
language sql security definer set search_path = '' as $$
  select trunkline.publish(channel, type, data::text, options)
$$;
revoke execute on function trunkline.publish(text, text, json, jsonb) from public;

-- jsonb has dropped repeated keys by then, has an order of keys of its own, and knows numbers by their value.
create or replace function trunkline.publish(channel text, type text, data jsonb, options jsonb default '{}') returns uuid
language sql security definer set search_path = '' as $$
  select trunkline.publish(channel, type, data::text, options)
$$;

-- Whoever may call the one that there was may call the others.
do $$
declare
  callers text;
begin
  select string_agg(distinct case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end, ', ')
    into callers
    from pg_proc p cross join lateral aclexplode(p.proacl) as a
   where p.oid = 'trunkline.publish(text, text, jsonb, jsonb)'::regprocedure and a.privilege_type = 'EXECUTE';
  if callers is not null then
    execute format('grant execute on function trunkline.publish(text, text, text, jsonb),
                                              trunkline.publish(text, text, json, jsonb) to %s', callers);
  end if;
end $$;
`;
