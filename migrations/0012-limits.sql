-- Limits that count for all instances together. UNLOGGED, as the registry: leasing costs no WAL but the commit record, and
-- after a crash of PostgreSQL each instance writes again what it holds.

create unlogged table trunkline.limit_shares (
  limit_key text collate "C" not null,
  instance_id text collate "C" not null,
  granted float8 not null,
  demand integer not null,
  until timestamptz,
  counted float8 not null default 0,
  counted_until timestamptz not null default '-infinity',
  primary key (limit_key, instance_id)
) with (fillfactor = 70);
comment on table trunkline.limit_shares is
  'What each instance holds of the limits that count for all instances together.';
comment on column trunkline.limit_shares.granted is 'How many the instance may take in a window, or how many places.';
comment on column trunkline.limit_shares.demand is 'How many it needs.';
comment on column trunkline.limit_shares.until is
  'When a share of a rate ends; null for places, which are held for as long as the instance is registered.';
comment on column trunkline.limit_shares.counted is
  'What was granted before a share shrank: what was taken by then is in the window until counted_until.';

-- Counts are written every few seconds. UNLOGGED also because an attacker must not fill the WAL. No index but the key, so
-- that the updates stay HOT.
create unlogged table trunkline.suspects (
  address text collate "C" not null,
  reason text collate "C" not null,
  count bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  constraint suspects_pkey primary key (address, reason)
) with (fillfactor = 50);
comment on table trunkline.suspects is
  'Which addresses were seen doing what honest clients do not, counted over all instances, for operators who look '
  'now.';
comment on column trunkline.suspects.address is 'As instances see it; of an IPv6 address the first 64 bits.';

-- 64 locks for all keys, so that a statement about a thousand keys does not fill the lock table; in order, so that two
-- statements do not wait for each other.
create function trunkline.lock_limits(keys text[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7259, stripe)
     from (select distinct hashtext(key) & 63 as stripe from unnest(keys) as key order by 1) as stripes;
end $$;
comment on function trunkline.lock_limits is
  'Makes leases of one key follow one after the other, until the end of the transaction.';

-- Everybody gets what it needs if that is possible, and a part of what is left, up to what it wants. Otherwise those who
-- need little get it, and those who need more get equal shares: 'level' is where water stands that is poured over the
-- demands. What others hold, or held a window ago, is never given away. The caller has locked the key.
create function trunkline.lease_rate(holder text, key text, most integer, window_ms integer, needed integer,
                                     wanted integer, hold_ms integer, slack_ms integer, moment timestamptz)
returns float8 language plpgsql as $$
declare
  span constant interval := window_ms * interval '1 millisecond';
  slack constant interval := slack_ms * interval '1 millisecond';
  share float8;
  before float8;
begin
  with others as (
    select s.demand, s.until > moment as contends,
           greatest(case when moment < s.until + span then s.granted else 0 end,
                    case when moment < s.counted_until then s.counted else 0 end) as weight
      from trunkline.limit_shares s where s.limit_key = key and s.instance_id <> holder
  ), demands as (
    select demand from others where contends union all select needed
  ), levels as (
    select (most - coalesce(sum(demand) over (order by demand rows between unbounded preceding and 1 preceding), 0))::float8
           / (count(*) over () - row_number() over (order by demand) + 1) as level
      from demands
  ), sums as (
    select (select max(level) from levels) as level,
           (select greatest(0, most - sum(demand))::float8 / count(*) from demands) as spare,
           (select coalesce(sum(weight), 0) from others) as held
  )
  select greatest(0, least(wanted, least(needed, level) + spare, most - held)) into share from sums;
  before := coalesce((select s.granted from trunkline.limit_shares s
                       where s.limit_key = key and s.instance_id = holder and moment < s.until + span), 0);
  insert into trunkline.limit_shares as s (limit_key, instance_id, granted, demand, until)
  values (key, holder, share, needed, moment + hold_ms * interval '1 millisecond')
  on conflict (limit_key, instance_id) do update
     set granted = excluded.granted, demand = excluded.demand, until = excluded.until,
         counted = case when before <= share then s.counted
                        when moment < s.counted_until then greatest(before, s.counted) else before end,
         counted_until = case when before <= share then s.counted_until else moment + span + slack end;
  return share;
end $$;
comment on function trunkline.lease_rate is
  'The share of one instance of a rate, at a given time: how many it may take in any window until the share ends.';

create function trunkline.lease_rates(holder text, keys text[], most integer[], windows_ms integer[], needed integer[],
                                      wanted integer[], holds_ms integer[], slack_ms integer)
returns float8[] language plpgsql as $$
declare
  shares float8[] := '{}';
begin
  perform trunkline.lock_limits(keys);
  for i in 1 .. cardinality(keys) loop
    shares := shares || trunkline.lease_rate(holder, keys[i], most[i], windows_ms[i], needed[i], wanted[i], holds_ms[i],
                                             slack_ms, clock_timestamp());
  end loop;
  return shares;
end $$;
comment on function trunkline.lease_rates is 'Many shares of rates in one statement, in the places of their keys.';

-- An instance that has taken places which are not written here was there before PostgreSQL crashed: it writes them down,
-- and gets no more this time, because others may still have to do the same.
create function trunkline.lease_place(holder text, key text, most integer, used integer, needed integer, spare integer,
                                      sharers integer)
returns integer language plpgsql as $$
declare
  is_known constant boolean := used = 0 or exists (
    select from trunkline.limit_shares s where s.limit_key = key and s.instance_id = holder);
  held integer;
  share integer := used;
begin
  if is_known then
    select most - coalesce(sum(s.granted), 0) into held
      from trunkline.limit_shares s join trunkline.instances i using (instance_id)
     where s.limit_key = key and s.instance_id <> holder;
    share := greatest(used, least(needed + least(spare, greatest(0, held - needed) / (2 * sharers)), held));
  end if;
  if share = 0 then
    delete from trunkline.limit_shares s where s.limit_key = key and s.instance_id = holder;
  else
    insert into trunkline.limit_shares as s (limit_key, instance_id, granted, demand) values (key, holder, share, used)
    on conflict (limit_key, instance_id) do update set granted = excluded.granted, demand = excluded.demand;
  end if;
  return case when is_known then share end;
end $$;
comment on function trunkline.lease_place is
  'The places of one instance: what it needs as far as there is any, and a part of what is free then to have at '
  'hand. Null if the instance has just written down what it held before a crash of PostgreSQL.';

create function trunkline.lease_places(holder text, keys text[], most integer[], used integer[], needed integer[],
                                       spare integer[], sharers integer)
returns integer[] language plpgsql as $$
declare
  shares integer[] := '{}';
begin
  perform trunkline.lock_limits(keys);
  for i in 1 .. cardinality(keys) loop
    shares := shares || trunkline.lease_place(holder, keys[i], most[i], used[i], needed[i], spare[i], sharers);
  end loop;
  return shares;
end $$;
comment on function trunkline.lease_places is 'Many places in one statement, in the places of their keys.';

-- A row that is being worked on is locked, and stays.
create function trunkline.forget_shares() returns integer language sql as $$
  with over as (
    select s.ctid from trunkline.limit_shares s
     where (s.until + interval '5 minutes' < clock_timestamp() and s.counted_until < clock_timestamp())
        or (s.until is null and not exists (select from trunkline.instances i where i.instance_id = s.instance_id))
     limit 10000 for update skip locked
  ), gone as (
    delete from trunkline.limit_shares where ctid in (select ctid from over) returning 1
  )
  select count(*)::integer from gone
$$;
comment on function trunkline.forget_shares is 'Removes shares that count no more; returns how many.';

-- Nobody but the servers has business here.
revoke execute on function trunkline.lock_limits(text[]),
  trunkline.lease_rate(text, text, integer, integer, integer, integer, integer, integer, timestamptz),
  trunkline.lease_rates(text, text[], integer[], integer[], integer[], integer[], integer[], integer),
  trunkline.lease_place(text, text, integer, integer, integer, integer, integer),
  trunkline.lease_places(text, text[], integer[], integer[], integer[], integer[], integer),
  trunkline.forget_shares() from public;
