import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The one way a message gets into a channel, with fewer statements for each batch than its first version had. */
export class AppendArrays1763601100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

/*
 * Appends a batch in one transaction: arrays of equal length, one element per message, and so are the results. A batch
 * without repeats, which is almost every one, takes three statements; outcomes is null then.
 *
 * 1. Bump every channel once, in sorted order, and number the items: two batches never wait for each other in a circle,
 *    and from here to the commit nobody else appends to these channels, so seq order is commit order, without gaps.
 * 2. Insert the publish ids plainly: repeats are rare, and the unique index of the day's partition finds those of today,
 *    also within the batch; of older partitions each is asked by index, and a row that is left out tells. (Looking every
 *    id up first costs 3.5 µs a message more.) If there is a repeat, find out which, give their numbers back, number
 *    the others again and insert theirs; a second violation would be a bug.
 *    Under the channels' locks nobody else can insert the same key, so nothing waits here either.
 * 3. Insert the messages that are not repeats.
 * 4. Answer each repeat with what the first one got, or 'conflict' if its body was another.
 */
const UP = /* sql */ `
drop function trunkline.append;

create function trunkline.append(
  channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[],
  controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval,
  out stored_ids uuid[], out seqs bigint[], out times timestamptz[], out outcomes text[]
) language plpgsql as $$
#variable_conflict use_column
declare
  named integer := cardinality(array_remove(append.publish_ids, null));
  inserted integer;
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

  if named > 0 then
    begin
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
  select i.channel, i.seq, i.id, i.sender, i.type, i.body, i.metadata, i.controls::jsonb, i.at,
         i.at + i.ttl_ms * interval '1 millisecond'
    from unnest(append.channels, append.ids, append.senders, append.types, append.bodies, append.metadatas,
                append.controls, append.ttls_ms, seqs, times)
         as i (channel, id, sender, type, body, metadata, controls, ttl_ms, seq, at)
   where i.seq is not null;

  stored_ids := append.ids;
  if repeats is null then
    return;
  end if;
  outcomes := array_fill('stored'::text, array[cardinality(append.ids)]);
  for repeat in
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.id is null or (m.type = i.type and m.body = i.body) then 'repeated' else 'conflict' end as outcome
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
end $$;

-- Gives the numbers of the repeats back: the other items of their channels move up, and last_seq with them.
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
  )
  select i.channel, i.id, i.seq, coalesce(i.outcome, 'stored')
    from batch b
   cross join lateral trunkline.append(b.channels, b.ids, b.publishers, b.senders, b.types, b.bodies, b.metadatas,
                                       b.controls, b.ttls_ms, b.publish_ids, drain_outbox.dedupe_window) as a
   cross join lateral unnest(b.channels, a.stored_ids, a.seqs, a.outcomes) as i (channel, id, seq, outcome);
end $$;
`;
