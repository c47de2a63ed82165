import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What has ended leaves evidence: why a message did not arrive can be told until retention, whatever became of it since. */
export class Explanations1763602400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- A message that expired or was cancelled loses its body and metadata a minute later, and keeps its row until retention.
alter table trunkline.messages alter column body drop not null;

-- Finds those whose body is still there; without the condition on the body the sweep would read all that it has done.
drop index trunkline.messages_expires_at_idx;
create index messages_expires_at_idx on trunkline.messages (expires_at) where expires_at is not null and body is not null;

-- Memberships that have ended: its user was to receive what stands behind joined_seq up to left_seq. A table of its own,
-- because memberships is read whenever a device connects.
create table trunkline.past_memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamptz not null,
  left_seq bigint not null,
  left_at timestamptz not null default clock_timestamp(),
  constraint past_memberships_pkey primary key (channel, user_id, left_at)
);
create index past_memberships_left_at_idx on trunkline.past_memberships (left_at);
create index past_memberships_user_id_idx on trunkline.past_memberships (user_id, channel);

-- A letter that was taken off the list stays until its message is gone: without it the message, which the device's cursor
-- has passed, would look delivered.
alter table trunkline.dead_letters add column purged_at timestamptz;

-- Finds users whose ids differ in case only from one that a publisher wrote.
create index devices_lower_user_id_idx on trunkline.devices (lower(user_id));
`;
