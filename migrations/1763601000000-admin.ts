import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators order and did. */
export class Admin1763601000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- What instances are to do: they take their rows out. UNLOGGED as the connections and instances it is about: after a
-- crash of PostgreSQL all of them are gone together.
create unlogged table trunkline.instance_orders (
  instance_id text collate "C" not null,
  kind text not null constraint instance_orders_kind_is_known check (kind in ('disconnect', 'drain')),
  -- Of the connection to close; empty for the other kind.
  connection_id text collate "C" not null default '',
  ordered_at timestamptz not null default clock_timestamp(),
  constraint instance_orders_pkey primary key (instance_id, kind, connection_id)
);

-- Who changed what through the admin REST. A row is written before the change and gets its result afterwards: one
-- without a result was cut short.
create table trunkline.admin_audit (
  id bigint generated always as identity constraint admin_audit_pkey primary key,
  at timestamptz not null default clock_timestamp(),
  key_name text not null,
  action text not null,
  target text not null,
  details jsonb not null,
  request_id text,
  instance_id text not null,
  result text
);
create index admin_audit_at_idx on trunkline.admin_audit (at);
`;
