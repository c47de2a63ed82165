import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A publish id belongs to the scheduled message that took it, also while that waits. */
export class ScheduledIds1763603010000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

/*
 * The steps of append stand in 1763601100000-append-arrays.ts. What is new: a publish whose id a waiting message has is a
 * conflict, or that message would find its id taken when its time comes. The look for any waiting message with an id is
 * one probe of an index, which is empty where nothing is scheduled. A publish and a schedule of the same moment do not see
 * each other; then the drained message is put aside with its error, and not dropped.
 */
const UP = /* sql */ `
create or replace function trunkline.append(
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

create or replace function trunkline.drain_outbox(
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
`;
