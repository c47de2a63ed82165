import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Receipts are cumulative: how far each reader of a channel has been reported to each author. */
export class Receipts1763603400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- A row is locked by whoever reports progress of its reader, so of two devices at once each reports only what is new.
create table trunkline.receipts (
  author text collate "C" not null,
  channel text collate "C" not null,
  user_id text collate "C" not null, -- who has received or read
  state text collate "C" not null constraint receipts_state_is_known check (state in ('delivered', 'read')),
  seq bigint not null,
  -- A day, because an index on a time would make every update write to every index.
  updated_on date not null default (clock_timestamp() at time zone 'utc')::date,
  constraint receipts_pkey primary key (author, channel, user_id, state)
) with (fillfactor = 70);
create index receipts_updated_on_idx on trunkline.receipts (updated_on);

-- Moves up to max_rows committed, due rows in their order through append; one caller at a time, the others get nothing.
-- Of the receipts about what one reader has reached, only the newest is moved: it says all that the others say.
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
  ), kept as (
    select t.* from taken t
     where t.type <> 'trunkline.receipt'
        or not exists (select from taken newer
                        where newer.type = t.type and newer.channel = t.channel and newer.controls = t.controls
                          and newer.id > t.id)
  ), batch as (
    select array_agg(t.channel order by t.due_at, t.id) as channels, array_agg(t.message_id order by t.due_at, t.id) as ids,
           array_agg(t.publisher order by t.due_at, t.id) as publishers, array_agg(t.sender order by t.due_at, t.id) as senders,
           array_agg(t.type order by t.due_at, t.id) as types, array_agg(t.body order by t.due_at, t.id) as bodies,
           array_agg(t.metadata order by t.due_at, t.id) as metadatas, array_agg(t.controls order by t.due_at, t.id) as controls,
           array_agg(coalesce(t.ttl_ms, nullif(case when t.channel like 'user:%' then user_ttl_ms
                                                     when t.channel like 'group:%' then group_ttl_ms
                                                     else broadcast_ttl_ms end, 0)) order by t.due_at, t.id) as ttls_ms, array_agg(t.publish_id order by t.due_at, t.id) as publish_ids
      from kept t having count(*) > 0
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

-- Ends the inbox of an erased user, with what was reported to it. Its next message begins a new one.
create or replace function trunkline.erase_inbox(user_id text) returns void language plpgsql as $$
declare
  inbox constant text := trunkline.inbox(user_id);
begin
  delete from trunkline.receipts r where r.author = erase_inbox.user_id;
  perform from trunkline.channels c where c.channel = inbox for update;
  delete from trunkline.messages m where m.channel = inbox;
  delete from trunkline.publish_ids p where p.channel = inbox;
  delete from trunkline.channels c where c.channel = inbox;
end $$;
`;
