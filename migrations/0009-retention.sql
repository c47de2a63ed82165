-- Retention that nobody notices: the days of messages, publish_ids and attempts are made ahead and dropped one at a time,
-- without queueing publishers, and not before their messages are delivered.

create function trunkline.assert_partitioned(parent text) returns void language plpgsql as $$
begin
  if parent is null or parent not in ('messages', 'publish_ids', 'attempts') then
    raise exception '% has no daily partitions', coalesce(parent, 'null') using errcode = 'invalid_parameter_value';
  end if;
end $$;
comment on function trunkline.assert_partitioned is
  'Raises an error unless a table has daily partitions. What is done with the rights of the owner is done to these '
  'tables only, whoever asks.';

create function trunkline.identify_rows(parent text, name text) returns void language plpgsql as $$
begin
  if parent = 'attempts' then
    execute format('alter table trunkline.%I replica identity full', name);
  else
    execute format('alter table trunkline.%I add constraint %I primary key (%s)', name, name || '_pkey',
                   case parent when 'messages' then 'channel, seq' else 'channel, publish_id, publisher' end);
  end if;
end $$;
comment on function trunkline.identify_rows is
  'Gives a partition its primary key, or its replica identity, without which PostgreSQL refuses UPDATE and DELETE as '
  'soon as somebody publishes the table for logical replication.';

-- Attaching a prepared table takes only SHARE UPDATE EXCLUSIVE on the parent, so appends go on; the check lets PostgreSQL
-- skip the scan. But it takes ACCESS EXCLUSIVE on the default partition, and while it waits for a reader, such as a dump
-- for its whole time, every other reader queues behind it. So it waits only 40 ms and fails (55P03); the caller tries
-- again. Until then the rows of the day are stored in the default partition.
-- It runs with its owner's rights, since only the owner of a table may attach to it, and a server may have another role.
create function trunkline.make_partition(parent text, day date) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp set lock_timeout = '40ms' as $$
declare
  name text := parent || '_' || to_char(day, 'YYYY_MM_DD');
  low text := to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00';
  high text := to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
  key text := case parent when 'attempts' then 'settled_at' else 'created_at' end;
begin
  perform trunkline.assert_partitioned(parent);
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
  perform trunkline.identify_rows(parent, name);
  -- What was stored before its day was prepared moves along: a default partition with a row of the day forbids the
  -- attaching, for ever. Attaching takes this lock in any case.
  execute format('lock table trunkline.%I in access exclusive mode', parent || '_default');
  execute format('with moved as (delete from trunkline.%I where %I >= %L and %I < %L returning *) insert into trunkline.%I select * from moved',
                 parent || '_default', key, low, key, high, name);
  execute format('alter table trunkline.%I attach partition trunkline.%I for values from (%L) to (%L)', parent, name, low, high);
  execute format('alter table trunkline.%I drop constraint bounds', name);
  return true;
end $$;
comment on function trunkline.make_partition is
  'Makes the partition of one day (UTC) of a table; true if it was missing.';

create function trunkline.old_partitions(parent text, before date) returns setof text language sql stable as $$
  select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = to_regclass('trunkline.' || quote_ident(parent))
     and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}_[0-9]{2}$')
     and to_date(right(c.relname, 10), 'YYYY_MM_DD') < before
   order by 1
$$;
comment on function trunkline.old_partitions is 'The daily partitions that end before the given day, oldest first.';

-- Dropping takes ACCESS EXCLUSIVE on the parent, for milliseconds once it has it; while it waits for a reader, every
-- publisher queues behind it. So it waits only 40 ms and fails (55P03); the caller tries again. DETACH CONCURRENTLY would
-- not wait, but cannot be used beside a default partition. The files are removed after the locks.
create function trunkline.drop_partition(parent text, name text) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp set lock_timeout = '40ms' as $$
begin
  perform trunkline.assert_partitioned(parent);
  if name not in (select trunkline.old_partitions(parent, 'infinity')) then
    return false;
  end if;
  execute format('drop table trunkline.%I', name);
  return true;
end $$;
comment on function trunkline.drop_partition is 'Drops one daily partition; false if there is none of that name.';

-- Cursors are cumulative, so the last such message of each channel decides. Users without a device hold nothing up: they
-- are as good as idle. It runs with the rights of the owner, who alone may read a partition by itself.
create function trunkline.has_undelivered(name text) returns boolean language plpgsql stable
security definer set search_path = pg_catalog, pg_temp as $$
declare
  answer boolean;
begin
  if name not in (select trunkline.old_partitions('messages', 'infinity')) then
    raise exception '% is no day of messages', name using errcode = 'invalid_parameter_value';
  end if;
  execute format($q$
    with ends as (
      select channel, max(seq) as seq from trunkline.%I
       where expires_at is null or expires_at > clock_timestamp() group by channel
    ), readers as (
      select user_id, device_id, trunkline.inbox(user_id) as channel, 0 as first_seq from trunkline.devices
       union all
      select user_id, device_id, 'broadcast', null from trunkline.devices
       union all
      select d.user_id, d.device_id, m.channel, m.joined_seq
        from trunkline.memberships m join trunkline.devices d on d.user_id = m.user_id
    )
    select exists (
      select from ends e
        join readers r on r.channel = e.channel
        left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = r.device_id and c.channel = r.channel
       where greatest(coalesce(c.delivered_seq, r.first_seq, e.seq), r.first_seq) < e.seq)
  $q$, name) into answer;
  return answer;
end $$;
comment on function trunkline.has_undelivered is
  'Tells whether some device is still to receive an unexpired message of this partition of messages.';

revoke execute on function trunkline.identify_rows(text, text), trunkline.make_partition(text, date),
  trunkline.drop_partition(text, text), trunkline.has_undelivered(text) from public;
