import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tells since when an instance runs from since when it stands in a registry that a crash of PostgreSQL may have emptied. */
export class EnrolledAt1763602950000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- started_at is the start of the process, also after it has been written in again.
alter table trunkline.instances add column enrolled_at timestamptz not null default clock_timestamp();
`;
