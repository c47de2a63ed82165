import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ordered logs: channels number their messages; both are the truth and survive every crash. */
export class Messages1763600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- One row per channel; its lock orders the channel's appends. fillfactor keeps the bump of last_seq a HOT update.
create table trunkline.channels (
  channel text collate "C" primary key,
  last_seq bigint not null default 0,
  -- never decreases along seq, even if the clock steps back: readers bound their partitions by it
  last_at timestamptz not null default '-infinity',
  -- of an inbox: counts the changes of its user's group memberships, so that a reader of the inbox notices them
  epoch integer not null default 0
) with (fillfactor = 50);

-- No unique index on (channel, seq): the lock on the channel's row guarantees it, and it could not span partitions.
create table trunkline.messages (
  channel text collate "C" not null,
  seq bigint not null,
  id uuid not null,
  sender text,
  type text not null,
  body text not null,
  metadata text,
  created_at timestamptz not null,
  expires_at timestamptz,
  -- collapseKey, except, deliverTo, receipts, cancelled: null for almost every message
  controls jsonb
) partition by range (created_at);
create index messages_channel_seq_idx on trunkline.messages (channel, seq);
create index messages_id_idx on trunkline.messages (id);
create index messages_expires_at_idx on trunkline.messages (expires_at) where expires_at is not null;
create index messages_collapse_key_idx on trunkline.messages (channel, (controls ->> 'collapseKey'), seq)
 where controls ->> 'collapseKey' is not null;

-- Written under the lock of the channel's row. Each partition has a unique index on its key (make_partition): across
-- partitions there can be none, so append asks the older ones.
create table trunkline.publish_ids (
  channel text collate "C" not null,
  publisher text collate "C" not null,
  publish_id text collate "C" not null,
  seq bigint not null,
  message_id uuid not null,
  created_at timestamptz not null
) partition by range (created_at);

create table trunkline.attempts (
  channel text collate "C" not null,
  from_seq bigint not null,
  to_seq bigint not null,
  user_id text not null,
  device_id text not null,
  connection_id text not null,
  instance_id text not null,
  attempt integer not null,
  sent_at timestamptz not null,
  settled_at timestamptz not null,
  outcome text not null constraint attempts_outcome_is_known check (outcome in ('sent', 'acknowledged', 'timeout', 'disconnected')),
  error text
) partition by range (settled_at);
create index attempts_channel_seq_idx on trunkline.attempts (channel, to_seq);

-- Catches rows of a day nobody prepared (a clock far ahead); the partitions job reports what it holds.
create table trunkline.messages_default partition of trunkline.messages default;
create table trunkline.publish_ids_default partition of trunkline.publish_ids default;
create unique index publish_ids_default_key_idx on trunkline.publish_ids_default (channel, publish_id, publisher);
create table trunkline.attempts_default partition of trunkline.attempts default;

-- Makes the daily partition of one day (UTC) for one table; true if it was missing. Attaching a prepared table takes
-- only SHARE UPDATE EXCLUSIVE on the parent, so appends go on; the check lets PostgreSQL skip the scan.
create function trunkline.make_partition(parent text, day date) returns boolean language plpgsql as $$
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
end $$;

-- Drops up to max_count daily partitions that end before the given day, oldest first; their names.
create function trunkline.drop_partitions(parent text, before date, max_count integer) returns text[]
language plpgsql as $$
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
end $$;
`;
