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
  read_seq bigint not null default 0,
  -- where this device began: what came before was never meant for it
  started_seq bigint not null default 0,
  -- failed attempts at the message behind delivered_seq, on any connection
  failed_attempts integer not null default 0,
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
-- A message for one device goes to the first that takes it.
create table trunkline.claims (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  claimed_at timestamptz not null default clock_timestamp(),
  primary key (channel, seq, user_id)
);
create index claims_claimed_at_idx on trunkline.claims (claimed_at);

-- What was given up for a device after too many attempts, until somebody requeues or forgets it.
create table trunkline.dead_letters (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  message_id uuid not null,
  attempts integer not null,
  error text,
  died_at timestamptz not null default clock_timestamp(),
  requeued_as uuid,
  primary key (channel, seq, user_id, device_id)
);
create index dead_letters_died_at_idx on trunkline.dead_letters (died_at, message_id);

create index memberships_user_id_idx on trunkline.memberships (user_id, channel);
`;
