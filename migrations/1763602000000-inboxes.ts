import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The name of a user's inbox, and back, as `inboxOf` and `userOf` of libs/protocol make them: a character that a channel
 * name cannot have stands in it as its bytes of UTF-8, each `%` and two upper-case hexadecimal digits.
 */
export class Inboxes1763602000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

// The two functions that everybody calls have no subquery, so that PostgreSQL inlines them: for a plain id they cost a
// regular expression (0.4 µs), and not the call of a function (10 µs).
const UP = `
create function trunkline.encode_user(user_id text) returns text
language sql immutable strict parallel safe as $$
  select string_agg(case when c ~ '^[A-Za-z0-9._:@/+-]$' then c
                         else regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\\1', 'g') end,
                    '' order by ord)
    from regexp_split_to_table(user_id, '') with ordinality as s (c, ord)
$$;

create function trunkline.decode_user(encoded text) returns text
language sql immutable strict parallel safe as $$
  select convert_from(string_agg(case when part[1] like '\\%%' then decode(substr(part[1], 2), 'hex')
                                      else convert_to(part[1], 'UTF8') end, ''::bytea order by ord), 'UTF8')
    from regexp_matches(encoded, '%[0-9A-F]{2}|[^%]', 'g') with ordinality as m (part, ord)
$$;

create function trunkline.inbox(user_id text) returns text
language sql immutable strict parallel safe as $$
  select 'user:' || case when user_id ~ '^[A-Za-z0-9._:@/+-]+$' then user_id else trunkline.encode_user(user_id) end
$$;
comment on function trunkline.inbox(text) is 'The channel that is the inbox of a user.';

create function trunkline.inbox_user(channel text) returns text
language sql immutable strict parallel safe as $$
  select case when position('%' in channel) = 0 then substr(channel, 6) else trunkline.decode_user(substr(channel, 6)) end
$$;
comment on function trunkline.inbox_user(text) is 'The user whose inbox a channel user:<id> is.';

create function trunkline.is_channel(channel text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  if channel ~ '^user:.*%' then
    return octet_length(channel) <= 605 and channel ~ '^user:([A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$'
       and length(trunkline.inbox_user(channel)) <= 200 and trunkline.inbox_user(channel) !~ '[[:cntrl:]]'
       and trunkline.inbox(trunkline.inbox_user(channel)) = channel;
  end if;
  return coalesce(length(channel) <= case when channel like 'user:%' then 205 else 200 end and channel ~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$', false);
exception when character_not_in_repertoire or untranslatable_character then
  return false; -- the bytes behind the % are no UTF-8
end $$;
`;
