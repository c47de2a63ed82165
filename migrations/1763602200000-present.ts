import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Appending tells the present from a channel's time, and whose a collapse key is. */
export class Present1763602200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

/*
 * The steps of append stand in 1763601100000-append-arrays.ts. What is new:
 *
 * - `present` is the database's clock behind the channels' locks. A channel's time, which never falls, is ahead of it for
 *   as long as the clock was ahead once; so a time to live begins at the earlier of the two, and whoever appends learns
 *   the present beside the times.
 * - A collapse key belongs to the publisher, as a publish id does. The publisher is stored only with messages that have
 *   a key, in their controls; so the others cost nothing more.
 * - A repeat compares JSON and not its text; and a message that has lost its body repeats as one that is gone.
 */
const UP = /* sql */ `
-- Whether two texts hold the same JSON value, for the one comparison in thousands where they differ as texts.
create function trunkline.is_same_json(a text, b text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  return a = b or a::jsonb = b::jsonb;
exception when data_exception or program_limit_exceeded then
  return false; -- numbers that only text can hold
end $$;

drop function trunkline.append;

create function trunkline.append(
  channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[],
  controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval,
  out stored_ids uuid[], out seqs bigint[], out times timestamptz[], out outcomes text[], out present timestamptz
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
  present := clock_timestamp();

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
end $$;
`;
