import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lets an instance tell that its peers gave it up from a registry that PostgreSQL emptied in a crash. */
export class Fencing1763600800000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- Tells two processes apart that had the same id one after the other.
alter table trunkline.instances add column incarnation uuid not null default gen_random_uuid();

-- A handful of rows that beat: HOT pruning keeps them in their page. Analysing them every minute, as autovacuum would,
-- wrote four times as much WAL (into pg_statistic) as all else an idle cluster does.
alter table trunkline.instances set (autovacuum_analyze_threshold = 100000, autovacuum_vacuum_threshold = 10000);

-- One row, made by the first instance that finds none, and emptied together with the registry: an instance whose row is
-- missing was given up if the origin is the one it knows, and is only to write itself in again if it is another.
-- (pg_postmaster_start_time() would not do: a crashed backend empties the tables and leaves the postmaster running.)
create unlogged table trunkline.registry_origin (
  origin uuid not null default gen_random_uuid(),
  is_only_one boolean primary key default true constraint registry_origin_is_one check (is_only_one)
);
`;
