import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ids `.` and `..` are no user ids, because a URL cannot name such a user, and so they have no inboxes either. */
export class DotInboxes1763603500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = `
create or replace function trunkline.is_channel(channel text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  if channel ~ '^user:.*%' then
    return octet_length(channel) <= 605 and channel ~ '^user:([A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$'
       and length(trunkline.inbox_user(channel)) <= 200
       and trunkline.inbox_user(channel) !~ '[\\u0001-\\u001F\\u007F-\\u009F]'
       and trunkline.inbox(trunkline.inbox_user(channel)) = channel;
  end if;
  return coalesce(length(channel) <= case when channel like 'user:%' then 205 else 200 end
                  and channel ~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$'
                  and channel !~ '^user:[.][.]?$', false);
exception when character_not_in_repertoire or untranslatable_character then
  return false; -- the bytes behind the % are no UTF-8
end $$`;
