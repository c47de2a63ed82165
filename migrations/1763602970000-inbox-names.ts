import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The names of inboxes, also in sessions whose strings read a backslash, and of what is no inbox. */
export class InboxNames1763602970000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

// Neither body has a backslash in a plain string: with standard_conforming_strings=off it would be read as an escape.
const UP = `
create or replace function trunkline.encode_user(user_id text) returns text
language sql immutable strict parallel safe as $$
  select string_agg(case when c ~ '^[A-Za-z0-9._:@/+-]$' then c
                         else (select string_agg('%' || substr(hex, at, 2), '' order by at)
                                 from generate_series(1, length(hex), 2) as at) end, '' order by ord)
    from regexp_split_to_table(user_id, '') with ordinality as s (c, ord)
   cross join lateral (select upper(encode(convert_to(c, 'UTF8'), 'hex')) as hex) as h
$$;

create or replace function trunkline.decode_user(encoded text) returns text
language sql immutable strict parallel safe as $$
  select convert_from(string_agg(case when starts_with(part[1], '%') then decode(substr(part[1], 2), 'hex')
                                      else convert_to(part[1], 'UTF8') end, ''::bytea order by ord), 'UTF8')
    from regexp_matches(encoded, '%[0-9A-F]{2}|[^%]', 'g') with ordinality as m (part, ord)
$$;

create or replace function trunkline.inbox_user(channel text) returns text
language sql immutable strict parallel safe as $$
  select case when channel not like 'user:%' then null
              when position('%' in channel) = 0 then substr(channel, 6)
              else trunkline.decode_user(substr(channel, 6)) end
$$;
comment on function trunkline.inbox_user(text) is 'The user whose inbox a channel user:<id> is; null of what is no inbox.';
`;
