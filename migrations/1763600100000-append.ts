import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The one way a message gets into a channel. */
export class Append1763600100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

/*
 * Appends a batch in one transaction: arrays of equal length, one element per message, results in the same order.
 *
 * 1. Bump every channel once, in sorted order: two batches never wait for each other in a circle, and from here to the
 *    commit nobody else appends to these channels, so seq order is commit order, without gaps.
 * 2. Number the items and insert their publish ids plainly: repeats are rare, and the unique index of the day's partition
 *    finds those of today, also within the batch; only older partitions are asked. (Looking every id up first costs
 *    3.5 µs a message more.) If there is a repeat, find out which, give their numbers back, and go through this again,
 *    once: a second violation would be a bug.
 *    Under the channels' locks nobody else can insert the same key, so nothing waits here either.
 * 3. Insert the messages that are not repeats.
 * 4. Answer each repeat with what the first one got, or 'conflict' if its body was another.
 */
const UP = /* sql */ `
create function trunkline.append(
  channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[],
  controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval
) returns table (ord bigint, id uuid, seq bigint, created_at timestamptz, outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
  names text[];
  bases bigint[];
  times timestamptz[];
  seqs bigint[];
  ats timestamptz[];
  repeats bigint[] := '{}';
  is_again boolean := false;
  has_publish_ids boolean := exists (select from unnest(append.publish_ids) as p (publish_id) where publish_id is not null);
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
  select array_agg(channel), array_agg(last_seq - size), array_agg(last_at)
    into names, bases, times
    from bumped join wanted using (channel);

  loop
    select array_agg(case when is_new then base + place end order by ord), array_agg(at order by ord)
      into seqs, ats
      from (select i.ord, b.seq as base, b.at, i.ord <> all (repeats) as is_new,
                   count(*) filter (where i.ord <> all (repeats)) over (partition by i.channel order by i.ord) as place
              from unnest(append.channels) with ordinality as i (channel, ord)
              join unnest(names, bases, times) as b (channel, seq, at) on b.channel = i.channel) as numbered;
    exit when not has_publish_ids;

    begin
      if not is_again and exists (
        select from unnest(append.channels, append.publish_ids, append.publishers, ats)
               as i (channel, publish_id, publisher, at)
         cross join lateral (
               select from trunkline.publish_ids p
                where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
                  and p.created_at > now() - append.dedupe_window and p.created_at < date_trunc('day', i.at, 'UTC')
                limit 1) as older) -- the limit keeps it a lookup by index for each, whatever the planner thinks
      then
        raise unique_violation;
      end if;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, ats)
             as i (channel, publisher, publish_id, id, seq, at)
       where i.publish_id is not null and i.seq is not null;
      exit;
    exception when unique_violation then
      if is_again then
        raise;
      end if;
      is_again := true;
      repeats := trunkline.find_repeats(append.channels, append.publishers, append.publish_ids, append.dedupe_window);
      -- Ids that a window shorter than a day has forgotten still stand in the index of today: they make room.
      delete from trunkline.publish_ids p
       using unnest(append.channels, append.publishers, append.publish_ids) as i (channel, publisher, publish_id)
       where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
         and p.created_at <= now() - append.dedupe_window;
      update trunkline.channels c
         set last_seq = c.last_seq - given.back
        from (select append.channels[o] as channel, count(*) as back from unnest(repeats) as o group by 1) as given
       where c.channel = given.channel;
    end;
  end loop;

  return query
  with fresh as (
    select * from unnest(append.channels, append.ids, append.senders, append.types, append.bodies, append.metadatas,
                         append.controls, append.ttls_ms, seqs, ats)
           with ordinality as i (channel, id, sender, type, body, metadata, controls, ttl_ms, seq, at, ord)
     where i.seq is not null
  ), stored as (
    insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, controls, created_at, expires_at)
    select f.channel, f.seq, f.id, f.sender, f.type, f.body, f.metadata, f.controls::jsonb, f.at,
           f.at + f.ttl_ms * interval '1 millisecond'
      from fresh f
  )
  select f.ord, f.id, f.seq, f.at, 'stored' from fresh f;

  if repeats <> '{}' then
    return query
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.id is null or (m.type = i.type and m.body = i.body) then 'repeated' else 'conflict' end
      from unnest(append.channels, append.publishers, append.types, append.bodies, append.publish_ids)
           with ordinality as i (channel, publisher, type, body, publish_id, ord)
     cross join lateral (
           select * from trunkline.publish_ids p
            where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
              and p.created_at > now() - append.dedupe_window
            order by p.created_at limit 1) as p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where i.ord = any (repeats);
  end if;
end $$;

-- The places of the items whose publish id was stored before, or stands earlier in the batch.
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
`;
