import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who receives: devices and how far each has come, and the durable groups. */
export class Recipients1763600200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
create table trunkline.devices (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  primary key (user_id, device_id)
) with (fillfactor = 70);

create table trunkline.cursors (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  channel text collate "C" not null,
  delivered_seq bigint not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (user_id, device_id, channel)
) with (fillfactor = 50);

create table trunkline.memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (channel, user_id)
);
create index memberships_user_id_idx on trunkline.memberships (user_id, channel);
`;
