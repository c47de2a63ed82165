import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Erasing a user takes all of that user and nothing of another, whatever their names are. */
export class ErasureOfOne1763602960000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- Whether an entry of the audit is about the user. Ids of users may hold spaces, those of sessions do not. But what was
-- refused for its form (1000) was written down as it came, so that the user may be any beginning of it.
create function trunkline.is_change_of(user_id text, action text, target text, details jsonb, result text)
returns boolean language sql immutable as $$
  select coalesce(details ->> 'user' = user_id, false)
      or (target = user_id and (action like '%-user' or action = 'revoke-sessions'))
      or (action = 'revoke-session'
          and (regexp_replace(target, ' [^ ]*$', '') = user_id
               or (coalesce(result, '') like '1000 %' and starts_with(target, user_id || ' '))))
$$;

-- The controls of a message without what names the user; whom else it was not for stays in them.
create function trunkline.except_no_longer(user_id text, controls jsonb) returns jsonb language sql immutable as $$
  select controls - case when controls ->> 'exceptUser' = user_id then array['exceptUser'] else '{}' end
                  - case when controls #>> '{exceptDevice,user}' = user_id then array['exceptDevice'] else '{}' end
$$;

-- Erases the user from some pages of a table; how many rows it changed. By pages, because most of these tables have no
-- index for it, and so that no statement is long, whatever the size of the table. With the rights of the owner, who alone
-- may name a partition.
create or replace function trunkline.erase_from(name text, first_page bigint, page_count bigint, user_id text, keeps_sent boolean)
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
`;
