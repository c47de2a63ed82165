-- Erasure takes all that is known of a user and nothing of another, a few pages of a table at a time.

-- Every table with a column user_id, also one that is added later, and those that name users otherwise. What keeps a user
-- out stays, also from tokens that are still good, and the registry belongs to the instances, which take out what they
-- close.
create function trunkline.erasable() returns table (name text, pages bigint) language sql stable as $$
  select c.relname::text, pg_relation_size(c.oid) / current_setting('block_size')::bigint
    from pg_class c
   where c.relnamespace = 'trunkline'::regnamespace and c.relkind = 'r'
     and (c.relname ~ '^(messages|publish_ids)_' or c.relname in ('outbox', 'admin_audit')
          or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))
     and c.relname not in ('connections', 'bans', 'revocations', 'session_tokens')
   order by 1 desc
$$;
comment on function trunkline.erasable is 'The tables that hold something of users, and how many pages each has.';

create function trunkline.receipt_user(type text, body text) returns text language sql immutable as $$
  select case when type = 'trunkline.receipt' then body::jsonb ->> 'user' end
$$;
comment on function trunkline.receipt_user is
  'The user who received the message that a receipt is about; null for any other message.';

-- Ids of users may hold spaces, those of sessions do not. But what was refused for its form (1000) was written down as it
-- came, so that the user may be any beginning of it.
create function trunkline.is_change_of(user_id text, action text, target text, details jsonb, result text)
returns boolean language sql immutable as $$
  select coalesce(details ->> 'user' = user_id, false)
      or (target = user_id and (action like '%-user' or action = 'revoke-sessions'))
      or (action = 'revoke-session'
          and (regexp_replace(target, ' [^ ]*$', '') = user_id
               or (coalesce(result, '') like '1000 %' and starts_with(target, user_id || ' '))))
$$;
comment on function trunkline.is_change_of is 'Tells whether an entry of the audit is about a user.';

create function trunkline.except_no_longer(user_id text, controls jsonb) returns jsonb language sql immutable as $$
  select controls - case when controls ->> 'exceptUser' = user_id then array['exceptUser'] else '{}' end
                  - case when controls #>> '{exceptDevice,user}' = user_id then array['exceptDevice'] else '{}' end
$$;
comment on function trunkline.except_no_longer is
  'The controls of a message without what names a user; others that it was not for stay in them.';

-- By pages, because most of these tables have no index for it, and so that no statement is long, whatever the size of the
-- table. With the rights of the owner, who alone may name a partition.
create function trunkline.erase_from(name text, first_page bigint, page_count bigint, user_id text, keeps_sent boolean)
returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  digest constant text := 'erased:' || left(encode(sha256(convert_to(user_id, 'UTF8')), 'hex'), 16);
  erased bigint;
  action constant text := case
    when name = 'admin_audit' then
      'update trunkline.%1$I set target = $3, details = ''{}''
        where %2$s and trunkline.is_change_of($2, action, target, details, result)'
    when name = 'outbox' then
      'with gone as (
         delete from trunkline.%1$I where %2$s and (channel = $1 or publisher = ''user:'' || $2 or sender = $2
                                                    or trunkline.receipt_user(type, body) = $2) returning 1
       ), changed as (
         update trunkline.%1$I set controls = nullif(trunkline.except_no_longer($2, controls::jsonb)::text, ''{}'')
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
                controls = nullif(trunkline.except_no_longer($2, case when sender = $2
                  then controls - array[''collapseBy'', ''receipts'', ''exceptConnection''] else controls end), ''{}'')
          where %2$s and channel <> $1
            and case when sender = $2 then $4
                     else $2 in (controls ->> ''exceptUser'', controls #>> ''{exceptDevice,user}'') end returning 1
       ) select from gone union all select from changed'
    else 'delete from trunkline.%1$I where %2$s and user_id = $2'
  end;
begin
  if name not in (select e.name from trunkline.erasable() as e) then
    if to_regclass(format('trunkline.%I', name)) is null then
      return 0; -- a day that was dropped since it was listed
    end if;
    raise exception '% holds nothing of users', name using errcode = 'invalid_parameter_value';
  end if;
  begin
    execute format(action, name, format('ctid >= %L::tid and ctid < %L::tid', format('(%s,0)', first_page),
                                        format('(%s,0)', first_page + page_count)))
      using trunkline.inbox(user_id), user_id, digest, keeps_sent;
    get diagnostics erased = row_count;
  exception when undefined_table then
    return 0; -- dropped just now
  end;
  return erased;
end $$;
comment on function trunkline.erase_from is
  'Erases a user from some pages of a table; returns how many rows it changed.';

-- Called when nearly nothing is in the inbox any more. The lock on its row keeps publishers out until it is gone; its next
-- message begins a new inbox.
create function trunkline.erase_inbox(user_id text) returns void language plpgsql as $$
declare
  inbox constant text := trunkline.inbox(user_id);
begin
  delete from trunkline.receipts r where r.author = erase_inbox.user_id;
  perform from trunkline.channels c where c.channel = inbox for update;
  delete from trunkline.messages m where m.channel = inbox;
  delete from trunkline.publish_ids p where p.channel = inbox;
  delete from trunkline.channels c where c.channel = inbox;
end $$;
comment on function trunkline.erase_inbox is 'Ends the inbox of an erased user, with what was reported to it.';

revoke execute on function trunkline.erase_from(text, bigint, bigint, text, boolean), trunkline.erase_inbox(text) from public;
