import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who is here now. UNLOGGED: beating costs no WAL, and a crash of PostgreSQL empties it, after which the instances
 * write themselves in again.
 */
export class Registry1763600300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
create unlogged table trunkline.instances (
  instance_id text collate "C" primary key,
  started_at timestamptz not null default clock_timestamp(),
  lease_expires_at timestamptz not null,
  draining boolean not null default false,
  -- key of the advisory lock its LISTEN connection holds, or null while it holds none
  lock_key integer
) with (fillfactor = 50);

create unlogged table trunkline.connections (
  user_id text collate "C" not null,
  connection_id text collate "C" not null,
  device_id text not null,
  instance_id text collate "C" not null,
  address text,
  connected_at timestamptz not null default clock_timestamp(),
  primary key (user_id, connection_id)
) with (fillfactor = 70);
create index connections_instance_id_idx on trunkline.connections (instance_id);

create unlogged table trunkline.routes (
  channel text collate "C" not null,
  instance_id text collate "C" not null,
  primary key (channel, instance_id)
);
create index routes_instance_id_idx on trunkline.routes (instance_id);

create table trunkline.job_runs (
  job text not null,
  run_id bigint generated always as identity,
  instance_id text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null default clock_timestamp(),
  rows bigint not null default 0,
  error text,
  primary key (job, run_id)
);
create index job_runs_finished_at_idx on trunkline.job_runs (job, finished_at desc);
`;
