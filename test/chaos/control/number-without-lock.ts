import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';

/**
 * How long each publish waits between taking a number and committing it, so that some with a higher number commit
 * earlier.
 */
const DAWDLE_S = 0.03;

/**
 * Numbers rows in the usual way: from a sequence, at insert. The numbers are unique and gapless, but become visible in
 * the order of the commits, which is another one. A reader that is past a number never looks for it again.
 */
const BODY = `
#variable_conflict use_column
declare
  item record;
  taken bigint;
  known record;
  newest jsonb := '{}';
begin
  present := now();
  for item in
    select * from unnest(append.channels, append.ids, append.publishers, append.senders, append.types, append.bodies,
                         append.metadatas, append.ttls_ms, append.publish_ids) with ordinality
           as i (channel, id, publisher, sender, type, body, metadata, ttl_ms, publish_id, ord)
  loop
    select p.seq, p.message_id, p.created_at into known from trunkline.publish_ids p
     where p.channel = item.channel and p.publish_id = item.publish_id and p.publisher = item.publisher;
    if found then
      stored_ids[item.ord] := known.message_id;
      seqs[item.ord] := known.seq;
      times[item.ord] := known.created_at;
      outcomes[item.ord] := 'repeated';
      continue;
    end if;
    taken := nextval('trunkline.chaos_' || md5(item.channel));
    newest := newest || jsonb_build_object(item.channel, taken);
    insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
    values (item.channel, item.publisher, item.publish_id, taken, item.id, now());
    insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, created_at, expires_at)
    values (item.channel, taken, item.id, item.sender, item.type, item.body, item.metadata, now(),
            now() + item.ttl_ms * interval '1 millisecond');
    stored_ids[item.ord] := item.id;
    seqs[item.ord] := taken;
    times[item.ord] := now();
    outcomes[item.ord] := 'stored';
  end loop;
  perform pg_sleep(random() * ${DAWDLE_S});
  insert into trunkline.channels as c (channel, last_seq, last_at)
  select key, value::bigint, now() from jsonb_each_text(newest) order by key collate "C"
  on conflict (channel) do update set last_seq = greatest(c.last_seq, excluded.last_seq), last_at = now();
end`;

/** Replaces the function and keeps its signature, whatever that is by now. */
const REPLACE = `
do $do$
declare
  original regprocedure := (select oid from pg_proc where proname = 'append' and pronamespace = 'trunkline'::regnamespace);
begin
  execute format('create or replace function trunkline.append(%s) returns %s language plpgsql as %L',
                 pg_get_function_arguments(original), pg_get_function_result(original), $body$${BODY}$body$);
end $do$`;

export async function numberWithoutLock({ database, clients }: ChaosEnvironment): Promise<() => void> {
  const channels = [...clients.users.map((user) => `user:${user}`), ...Object.keys(clients.groups), 'broadcast'];
  for (const channel of channels) {
    await database.query(
      `do $do$ begin execute format('create sequence trunkline.%I', 'chaos_' || md5('${channel}')); end $do$`,
    );
  }
  await database.query(REPLACE);
  return () => undefined;
}
