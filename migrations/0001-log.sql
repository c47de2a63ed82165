-- The log: each channel numbers its messages, and both survive every crash.

-- Appending updates a row of channels each time; fillfactor keeps that update HOT.
create table trunkline.channels (
  channel text collate "C" primary key,
  last_seq bigint not null default 0,
  last_at timestamptz not null default '-infinity',
  epoch integer not null default 0
) with (fillfactor = 50);
comment on table trunkline.channels is 'One row per channel. Its lock puts the appends to the channel in order.';
comment on column trunkline.channels.last_at is
  'The time of the newest message. It never decreases along seq, even if the clock steps back, because readers '
  'choose their partitions by it.';
comment on column trunkline.channels.epoch is
  'Of an inbox: counts the changes of its user''s group memberships, so that a reader of the inbox notices them.';

-- Each partition has its own primary key (channel, seq). One of the whole table would need created_at in it, which makes
-- the index larger and PostgreSQL 18 take reading by channel and seq for twice as expensive. Across partitions the lock
-- on the channel's row keeps seq unique.
create table trunkline.messages (
  channel text collate "C" not null,
  seq bigint not null,
  id uuid not null,
  sender text,
  type text not null,
  body text,
  metadata text,
  created_at timestamptz not null,
  expires_at timestamptz,
  controls jsonb
) partition by range (created_at);
comment on table trunkline.messages is 'The messages, in a partition for each day (UTC) of created_at.';
comment on column trunkline.messages.body is
  'JSON text. A message that expired or was cancelled loses body and metadata a minute later and keeps its row until '
  'retention, so that what became of it can be told.';
comment on column trunkline.messages.controls is
  'collapseKey and whose it is (collapseBy), exceptUser, exceptDevice, exceptConnection, deliverTo, receipts, '
  'cancelled. Null for almost every message.';
create index messages_id_idx on trunkline.messages (id);
-- Finds those whose body is still there. Without the condition on the body the sweep would read all that it has done.
create index messages_expires_at_idx on trunkline.messages (expires_at) where expires_at is not null and body is not null;
create index messages_collapse_key_idx on trunkline.messages (channel, (controls ->> 'collapseKey'), seq)
 where controls ->> 'collapseKey' is not null;

-- Each partition has a unique key. Across partitions there can be none, so append asks the older ones.
create table trunkline.publish_ids (
  channel text collate "C" not null,
  publisher text collate "C" not null,
  publish_id text collate "C" not null,
  seq bigint not null,
  message_id uuid not null,
  created_at timestamptz not null
) partition by range (created_at);
comment on table trunkline.publish_ids is
  'The publish ids that make a repeated publish harmless. Written under the lock of the channel''s row.';

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
comment on table trunkline.attempts is
  'What was sent to which device, as ranges of at most 10,000 messages, and how it ended.';
create index attempts_channel_seq_idx on trunkline.attempts (channel, to_seq);

-- The default partitions catch rows of a day that nobody prepared (a clock far ahead). The partitions job reports what
-- they hold. Partitions have a replica identity, because PostgreSQL otherwise refuses UPDATE and DELETE (55000) as soon
-- as somebody publishes the table for logical replication; make_partition gives the daily ones theirs. Attempts have no
-- key: nobody changes them, and only erasing a user deletes some.
create table trunkline.messages_default partition of trunkline.messages default;
alter table trunkline.messages_default add constraint messages_default_pkey primary key (channel, seq);
create table trunkline.publish_ids_default partition of trunkline.publish_ids default;
alter table trunkline.publish_ids_default
  add constraint publish_ids_default_pkey primary key (channel, publish_id, publisher);
create table trunkline.attempts_default partition of trunkline.attempts default;
alter table trunkline.attempts_default replica identity full;

create function trunkline.find_repeats(
  channels text[], publishers text[], publish_ids text[], dedupe_window interval
) returns bigint[] language sql as $$
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
$$;
comment on function trunkline.find_repeats is
  'The places of the items whose publish id was stored before, or stands earlier in the batch.';

create function trunkline.number_again(channels text[], seqs bigint[], repeats bigint[]) returns bigint[]
language sql as $$
  with given as (
    select channels[o] as channel, count(*) as back from unnest(repeats) as o group by 1
  ), lowered as (
    update trunkline.channels c set last_seq = c.last_seq - g.back from given g where c.channel = g.channel
  )
  select array_agg(case when not is_repeat then seq - repeats_before end order by ord)
    from (select i.ord, i.seq, i.ord = any (repeats) as is_repeat,
                 count(*) filter (where i.ord = any (repeats)) over (partition by i.channel order by i.ord) as repeats_before
            from unnest(channels, seqs) with ordinality as i (channel, seq, ord)) as items
$$;
comment on function trunkline.number_again is
  'Gives the numbers of the repeats back: the other items of their channels move up, and last_seq goes down with '
  'them.';

-- The one way a message gets into a channel. Appends a batch in one transaction: arrays of equal length, one element per
-- message, and so are the results. A batch without repeats, which is almost every one, takes three statements; outcomes
-- is null then.
--
-- 1. Bump every channel once, in sorted order, and number the items: two batches never wait for each other in a circle,
--    and from here to the commit nobody else appends to these channels, so seq order is commit order, without gaps.
--    'present' is the clock behind these locks. A channel's time never falls, so it stays ahead of the clock after the
--    clock was ahead once; therefore a time to live begins at the earlier of the two.
-- 2. Look whether a scheduled message that still waits has one of the publish ids: such a publish is a conflict, because
--    that message would otherwise find its id taken when its time comes. This is one probe of an index, which is empty
--    where nothing is scheduled. A publish and a schedule of the same moment do not see each other; then drain_outbox
--    puts the scheduled message aside with its error.
-- 3. Insert the publish ids plainly: repeats are rare, and the key of the day's partition finds those of today, also
--    within the batch; each older partition is asked by index, and a row that is left out tells. (Looking every id up
--    first costs 3.5 µs a message more.) If there is a repeat, find out which, give their numbers back, number the others
--    again and insert theirs; a second violation would be a bug. Under the channels' locks nobody else can insert the
--    same key, so nothing waits here either.
-- 4. Insert the messages that are not repeats. A collapse key belongs to its publisher, as a publish id does; the
--    publisher is stored with messages that have such a key only, so the others cost nothing more.
-- 5. Answer each repeat with what the first one got, or 'conflict' if its JSON was another. A message that has lost its
--    body counts as the same.
create function trunkline.append(
  channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[],
  controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval,
  out stored_ids uuid[], out seqs bigint[], out times timestamptz[], out outcomes text[], out present timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
  named integer := cardinality(array_remove(append.publish_ids, null));
  inserted integer;
  -- Those whose publish id belongs to a message that waits for its time.
  held bigint[];
  repeats bigint[];
  repeat record;
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
  select array_agg(last_seq - behind order by ord), array_agg(last_at order by ord)
    into seqs, times
    from (select i.ord, b.last_seq, b.last_at,
                 count(*) over (partition by i.channel order by i.ord desc) - 1 as behind
            from unnest(append.channels) with ordinality as i (channel, ord)
            join bumped b using (channel)) as numbered;
  present := clock_timestamp();

  if named > 0 then
    if exists (select from trunkline.outbox where publish_id is not null) then
      select array_agg(i.ord) into held
        from unnest(append.channels, append.publishers, append.publish_ids) with ordinality as i (channel, publisher, publish_id, ord)
       where exists (select from trunkline.outbox o
                      where o.channel = i.channel and o.publish_id = i.publish_id and o.publisher = i.publisher and o.error is null);
    end if;
    begin
      if held is not null then
        raise unique_violation;
      end if;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, times)
             as i (channel, publisher, publish_id, id, seq, at)
        left join lateral (
             select true as is_stored from trunkline.publish_ids p
              where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
                and p.created_at > now() - append.dedupe_window and p.created_at < date_trunc('day', i.at, 'UTC')
              limit 1) as older on true -- the limit keeps it a lookup by index for each, whatever the planner thinks
       where i.publish_id is not null and older.is_stored is null;
      get diagnostics inserted = row_count;
      if inserted < named then
        raise unique_violation;
      end if;
    exception when unique_violation then
      repeats := trunkline.find_repeats(append.channels, append.publishers, append.publish_ids, append.dedupe_window);
      if held is not null then
        repeats := array(select distinct ord from unnest(repeats || held) as ord);
      end if;
      select n.seqs into seqs from trunkline.number_again(append.channels, seqs, repeats) as n (seqs);
      -- Ids that a window shorter than a day has forgotten still stand in the index of today: they make room.
      delete from trunkline.publish_ids p
       using unnest(append.channels, append.publishers, append.publish_ids) as i (channel, publisher, publish_id)
       where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
         and p.created_at <= now() - append.dedupe_window;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, times)
             as i (channel, publisher, publish_id, id, seq, at)
       where i.publish_id is not null and i.seq is not null;
    end;
  end if;

  insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, controls, created_at, expires_at)
  select i.channel, i.seq, i.id, i.sender, i.type, i.body, i.metadata,
         case when i.controls::jsonb ? 'collapseKey' then i.controls::jsonb || jsonb_build_object('collapseBy', i.publisher)
              else i.controls::jsonb end,
         i.at, least(i.at, present) + i.ttl_ms * interval '1 millisecond'
    from unnest(append.channels, append.ids, append.publishers, append.senders, append.types, append.bodies,
                append.metadatas, append.controls, append.ttls_ms, seqs, times)
         as i (channel, id, publisher, sender, type, body, metadata, controls, ttl_ms, seq, at)
   where i.seq is not null;

  stored_ids := append.ids;
  if repeats is null then
    return;
  end if;
  outcomes := array_fill('stored'::text, array[cardinality(append.ids)]);
  for repeat in
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.body is null or (m.type = i.type and trunkline.is_same_json(m.body, i.body)) then 'repeated'
                else 'conflict' end as outcome
      from unnest(append.channels, append.publishers, append.types, append.bodies, append.publish_ids)
           with ordinality as i (channel, publisher, type, body, publish_id, ord)
     cross join lateral (
           select * from trunkline.publish_ids p
            where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
              and p.created_at > now() - append.dedupe_window
            order by p.created_at limit 1) as p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where i.ord = any (repeats)
  loop
    stored_ids[repeat.ord] := repeat.message_id;
    seqs[repeat.ord] := repeat.seq;
    times[repeat.ord] := repeat.created_at;
    outcomes[repeat.ord] := repeat.outcome;
  end loop;
  for repeat in select ord from unnest(held) as ord loop
    seqs[repeat.ord] := 0;
    times[repeat.ord] := present;
    outcomes[repeat.ord] := 'conflict';
  end loop;
end $$;
comment on function trunkline.append is
  'Appends a batch of messages to their channels; the one way a message gets into the log.';
