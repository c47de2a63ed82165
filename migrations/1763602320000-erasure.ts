import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Erases what is known of a user, a few pages of a table at a time. */
export class Erasure1763602320000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- The tables that hold something of users, and how many pages each has: every one with a column user_id, also one that is
-- added later, and those that name users otherwise. What keeps a user out stays, also from the tokens that it
-- has, and the registry belongs to the instances, which take out what they close.
create function trunkline.erasable() returns table (name text, pages bigint) language sql stable as $$
  select c.relname::text, pg_relation_size(c.oid) / current_setting('block_size')::bigint
    from pg_class c
   where c.relnamespace = 'trunkline'::regnamespace and c.relkind = 'r'
     and (c.relname ~ '^(messages|publish_ids)_' or c.relname in ('outbox', 'admin_audit')
          or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))
     and c.relname not in ('connections', 'bans', 'revocations', 'session_tokens')
   order by 1 desc
$$;

-- What a receipt says of who received the message.
create function trunkline.receipt_user(type text, body text) returns text language sql immutable as $$
  select case when type = 'trunkline.receipt' then body::jsonb ->> 'user' end
$$;

-- Erases the user from some pages of a table; how many rows it changed. By pages, because most of these tables have no
-- index for it, and so that no statement is long, whatever the size of the table. With the rights of the owner, who alone
-- may name a partition.
create function trunkline.erase_from(name text, first_page bigint, page_count bigint, user_id text, keeps_sent boolean)
returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  digest constant text := 'erased:' || left(encode(sha256(convert_to(user_id, 'UTF8')), 'hex'), 16);
  erased bigint;
  action constant text := case
    when name = 'admin_audit' then
      'update trunkline.%1$I set target = $3, details = ''{}''
        where %2$s and (target = $2 or starts_with(target, $2 || '' '') or details ->> ''user'' = $2)'
    when name = 'outbox' then
      'with gone as (
         delete from trunkline.%1$I where %2$s and (channel = $1 or publisher = ''user:'' || $2 or sender = $2
                                                    or trunkline.receipt_user(type, body) = $2) returning 1
       ), changed as (
         update trunkline.%1$I set controls = nullif((controls::jsonb - array[''exceptUser'', ''exceptDevice''])::text, ''{}'')
          where %2$s and channel <> $1 and sender is distinct from $2 and publisher <> ''user:'' || $2
            and $2 in (controls::jsonb ->> ''exceptUser'', controls::jsonb #>> ''{exceptDevice,user}'') returning 1
       ) select from gone union all select from changed'
    when name ~ '^publish_ids_' then
      -- The publish id of a receipt: delivered:<message>:<user>:<device>
      'delete from trunkline.%1$I where %2$s
          and (channel = $1 or publisher = ''user:'' || $2
               or (publisher = ''trunkline'' and starts_with(substr(publish_id, strpos(publish_id, '':'') + 38), $2 || '':'')))'
    -- Of what stays, the user is no longer the sender, nor the one from whom somebody withheld it.
    when name ~ '^messages_' then
      'with gone as (
         delete from trunkline.%1$I where %2$s and (channel = $1 or trunkline.receipt_user(type, body) = $2
                                                    or (sender = $2 and not $4)) returning 1
       ), changed as (
         update trunkline.%1$I
            set sender = nullif(sender, $2),
                controls = nullif(controls - case when sender = $2
                  then array[''collapseBy'', ''receipts'', ''exceptConnection'', ''exceptDevice'']
                  else array[''exceptUser'', ''exceptDevice''] end, ''{}'')
          where %2$s and channel <> $1
            and case when sender = $2 then $4
                     else $2 in (controls ->> ''exceptUser'', controls #>> ''{exceptDevice,user}'') end returning 1
       ) select from gone union all select from changed'
    else 'delete from trunkline.%1$I where %2$s and user_id = $2'
  end;
begin
  if name not in (select e.name from trunkline.erasable() as e) then
    raise exception '% holds nothing of users', name using errcode = 'invalid_parameter_value';
  end if;
  execute format(action, name, format('ctid >= %L::tid and ctid < %L::tid', format('(%s,0)', first_page),
                                      format('(%s,0)', first_page + page_count)))
    using trunkline.inbox(user_id), user_id, digest, keeps_sent;
  get diagnostics erased = row_count;
  return erased;
end $$;

-- The inbox itself, when nearly nothing is in it any more. The lock on its row keeps publishers out until it is gone; who
-- publishes to the user afterwards begins a new inbox.
create function trunkline.erase_inbox(user_id text) returns void language plpgsql as $$
declare
  inbox constant text := trunkline.inbox(user_id);
begin
  perform from trunkline.channels c where c.channel = inbox for update;
  delete from trunkline.messages m where m.channel = inbox;
  delete from trunkline.publish_ids p where p.channel = inbox;
  delete from trunkline.channels c where c.channel = inbox;
end $$;

revoke execute on function trunkline.erase_from(text, bigint, bigint, text, boolean), trunkline.erase_inbox(text) from public;
`;
