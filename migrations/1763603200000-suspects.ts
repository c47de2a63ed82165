import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who was seen doing what honest clients do not. */
export class Suspects1763603200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- Counts of all instances together, written every few seconds. UNLOGGED: it is for operators who look now, and whoever
-- attacks must not fill the WAL. No index but the key, so that the updates stay HOT.
create unlogged table trunkline.suspects (
  -- As instances see it; of an IPv6 address the first 64 bits.
  address text collate "C" not null,
  reason text collate "C" not null,
  count bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  constraint suspects_pkey primary key (address, reason)
) with (fillfactor = 50);
`;
