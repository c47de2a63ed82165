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
 * 2. Under those locks look for publish ids stored before (each statement of a volatile function sees what was committed
 *    meanwhile) or twice in this batch; give their numbers back. Rare, hence a branch of its own.
 * 3. Insert the rest.
 * 4. Answer each repeat with what the first one got, or 'conflict' if its body was another.
 */
const UP = /* sql */ `
create function trunkline.append(
  channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[],
  ttls_ms bigint[], publish_ids text[], dedupe_window interval
) returns table (ord bigint, id uuid, seq bigint, created_at timestamptz, outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
  names text[];
  bases bigint[];
  times timestamptz[];
  repeats bigint[] := '{}';
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

  if exists (select from unnest(append.publish_ids) as p (publish_id) where publish_id is not null) then
    with item as (
      select i.ord, i.channel, i.publish_id, i.publisher,
             row_number() over (partition by i.channel, i.publish_id, i.publisher order by i.ord) as occurrence
        from unnest(append.channels, append.publish_ids, append.publishers)
             with ordinality as i (channel, publish_id, publisher, ord)
       where i.publish_id is not null
    )
    select coalesce(array_agg(ord), '{}') into repeats
      from item i
     where occurrence > 1
        or exists (select from trunkline.publish_ids p
                    where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
                      and p.created_at > now() - append.dedupe_window and p.created_at < now() + interval '1 day');
    if repeats <> '{}' then
      update trunkline.channels c
         set last_seq = c.last_seq - given.back
        from (select append.channels[o] as channel, count(*) as back from unnest(repeats) as o group by 1) as given
       where c.channel = given.channel;
    end if;
  end if;

  return query
  with fresh as (
    select i.*, b.seq + row_number() over (partition by i.channel order by i.ord) as seq, b.at
      from unnest(append.channels, append.ids, append.publishers, append.senders, append.types, append.bodies,
                  append.metadatas, append.ttls_ms, append.publish_ids)
           with ordinality as i (channel, id, publisher, sender, type, body, metadata, ttl_ms, publish_id, ord)
      join unnest(names, bases, times) as b (channel, seq, at) on b.channel = i.channel
     where repeats = '{}' or i.ord <> all (repeats)
  ), stored as (
    insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, created_at, expires_at)
    select f.channel, f.seq, f.id, f.sender, f.type, f.body, f.metadata, f.at, f.at + f.ttl_ms * interval '1 millisecond'
      from fresh f order by f.ord
  ), remembered as (
    insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
    select f.channel, f.publisher, f.publish_id, f.seq, f.id, f.at from fresh f where f.publish_id is not null
  )
  select f.ord, f.id, f.seq, f.at, 'stored' from fresh f order by f.ord;

  if repeats <> '{}' then
    return query
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.id is null or (m.type = i.type and m.body = i.body) then 'repeated' else 'conflict' end
      from unnest(append.channels, append.publishers, append.types, append.bodies, append.publish_ids)
           with ordinality as i (channel, publisher, type, body, publish_id, ord)
     cross join lateral (
           select * from trunkline.publish_ids p
            where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
              and p.created_at > now() - append.dedupe_window and p.created_at < now() + interval '1 day'
            order by p.created_at limit 1) as p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where i.ord = any (repeats);
  end if;
end $$;
`;
