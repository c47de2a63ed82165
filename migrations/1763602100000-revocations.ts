import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What keeps a user out: tokens that were logged out, revocations of everything issued so far, and bans. */
export class Revocations1763602100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- The tokens without a sid that the session of a device was shown. When that session is ended each of them is refused,
-- on every device: nothing else tells a token that was logged out from the next login of the same second.
create table trunkline.session_tokens (
  user_id text collate "C" not null,
  -- digest of what is signed
  token_id text collate "C" not null,
  session_id text collate "C" not null,
  expires_at timestamptz not null,
  -- null: it is good
  refused_at timestamptz,
  constraint session_tokens_pkey primary key (user_id, token_id, session_id)
);
-- For the instances, which look for what was refused lately, and for the job that forgets tokens past their end.
create index session_tokens_refused_at_idx on trunkline.session_tokens (refused_at) where refused_at is not null;
create index session_tokens_expires_at_idx on trunkline.session_tokens (expires_at);

-- Users of whom every session was revoked: whatever was issued to them until then is refused.
create table trunkline.revocations (
  user_id text collate "C" not null constraint revocations_pkey primary key,
  revoked_at timestamptz not null default clock_timestamp(),
  refused_until timestamptz not null
);
create index revocations_revoked_at_idx on trunkline.revocations (revoked_at);

-- Users who are kept out, whatever token they show.
create table trunkline.bans (
  user_id text collate "C" not null constraint bans_pkey primary key,
  -- for operators; the user is not told
  reason text,
  banned_at timestamptz not null default clock_timestamp(),
  banned_until timestamptz not null default 'infinity'
);
create index bans_banned_at_idx on trunkline.bans (banned_at);
`;
