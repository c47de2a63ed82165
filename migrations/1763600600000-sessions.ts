import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Logins of users on devices, across connections and instances, and the signs of life of connections. */
export class Sessions1763600600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
create table trunkline.sessions (
  user_id text collate "C" not null,
  -- the token's sid, or device:<id> for tokens without one
  session_id text collate "C" not null,
  device_id text collate "C" not null,
  started_at timestamptz not null default clock_timestamp(),
  -- the newest connect or disconnect; what happens in between is in connections.last_heartbeat, which costs no WAL
  last_activity_at timestamptz not null default clock_timestamp(),
  -- the newest of its tokens was issued and ends then
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  -- how many connections it has had; instance, address and user agent are those of the newest
  connections integer not null default 0,
  instance_id text collate "C" not null,
  address text,
  user_agent text,
  -- its last end; it is over while it has an end_reason, a derived one may begin again
  ended_at timestamptz,
  end_reason text check (end_reason in ('logout', 'revoked', 'expired', 'inactive')),
  -- tokens issued until then are refused: those in use at a logout or revocation, or every one with its sid
  refused_until timestamptz,
  primary key (user_id, session_id)
) with (fillfactor = 70);
-- For the instances, which look for what ended lately. Coming and going leaves ended_at alone, so it stays HOT.
create index sessions_ended_at_idx on trunkline.sessions (ended_at) where ended_at is not null;

-- No index on last_heartbeat, and room on each page for a second version of all its rows: beating stays HOT.
alter table trunkline.connections
  add column session_id text collate "C",
  add column last_heartbeat timestamptz not null default clock_timestamp(),
  set (fillfactor = 45);
`;
