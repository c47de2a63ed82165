import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every table, and every partition made later, has a replica identity. Without one PostgreSQL refuses each UPDATE and
 * DELETE (55000) as soon as somebody publishes the table for logical replication.
 */
export class Keys1763602300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- Each partition has its own primary key: one of the whole table would need created_at in it, which makes the index larger
-- and PostgreSQL 18 take reading by channel and seq for twice as expensive. Attempts have no key: nobody changes them,
-- and only erasing a user deletes some, so that the log gets the whole of those rows.
drop index trunkline.messages_channel_seq_idx;

create function trunkline.identify_rows(parent text, name text) returns void language plpgsql as $$
begin
  if parent = 'attempts' then
    execute format('alter table trunkline.%I replica identity full', name);
  else
    execute format('alter table trunkline.%I add constraint %I primary key (%s)', name, name || '_pkey',
                   case parent when 'messages' then 'channel, seq' else 'channel, publish_id, publisher' end);
  end if;
end $$;

do $$
declare
  partition record;
begin
  for partition in
    select p.relname as parent, c.relname as name
      from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relnamespace = 'trunkline'::regnamespace and p.relname in ('messages', 'publish_ids', 'attempts')
  loop
    begin
      perform trunkline.identify_rows(partition.parent, partition.name);
    exception when unique_violation then
      -- A database that was restored by hand can hold a number twice. Its day stays readable until retention drops it.
      execute format('create index on trunkline.%I (channel, seq)', partition.name);
      execute format('alter table trunkline.%I replica identity full', partition.name);
    end;
    execute format('drop index if exists trunkline.%I', partition.name || '_key_idx'); -- the primary key is the same
  end loop;
end $$;

-- What is done with the owner's rights is done to these tables only, whoever asks.
create function trunkline.assert_partitioned(parent text) returns void language plpgsql as $$
begin
  if parent is null or parent not in ('messages', 'publish_ids', 'attempts') then
    raise exception '% has no daily partitions', coalesce(parent, 'null') using errcode = 'invalid_parameter_value';
  end if;
end $$;

-- Attaching a prepared table takes only SHARE UPDATE EXCLUSIVE on the parent, so appends go on; the check lets PostgreSQL
-- skip the scan. But it takes ACCESS EXCLUSIVE on the default partition, and while it waits for whoever reads just now,
-- as a dump does for its whole time, every other reader queues behind it. So it waits only this long and fails (55P03);
-- the caller tries again. Until then the rows of the day are stored in the default partition.
-- It runs with its owner's rights, since only the owner of a table may attach to it, and a server may have another role.
create or replace function trunkline.make_partition(parent text, day date) returns boolean language plpgsql
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

-- As before, with the rights of the owner.
create or replace function trunkline.drop_partition(parent text, name text) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp set lock_timeout = '40ms' as $$
begin
  perform trunkline.assert_partitioned(parent);
  if name not in (select trunkline.old_partitions(parent, 'infinity')) then
    return false;
  end if;
  execute format('drop table trunkline.%I', name);
  return true;
end $$;

-- As before, with the rights of the owner, who alone may read a partition by itself, and with the inbox of any user id.
create or replace function trunkline.has_undelivered(name text) returns boolean language plpgsql stable
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

revoke execute on function trunkline.identify_rows(text, text), trunkline.make_partition(text, date),
  trunkline.drop_partition(text, text), trunkline.has_undelivered(text) from public;
`;
