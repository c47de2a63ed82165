-- Sessions: logins of users on devices, across connections and instances, and what keeps a user out.

create table trunkline.sessions (
  user_id text collate "C" not null,
  session_id text collate "C" not null,
  device_id text collate "C" not null,
  started_at timestamptz not null default clock_timestamp(),
  last_activity_at timestamptz not null default clock_timestamp(),
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  connections integer not null default 0,
  instance_id text collate "C" not null,
  address text,
  user_agent text,
  ended_at timestamptz,
  end_reason text check (end_reason in ('logout', 'revoked', 'expired', 'inactive')),
  refused_until timestamptz,
  primary key (user_id, session_id)
) with (fillfactor = 70);
comment on table trunkline.sessions is 'Logins of users on devices, across connections and instances.';
comment on column trunkline.sessions.session_id is 'The sid of its tokens, or device:<id> for tokens without one.';
comment on column trunkline.sessions.last_activity_at is
  'The newest connect or disconnect. What happens in between is in connections.last_heartbeat, which costs no WAL.';
comment on column trunkline.sessions.issued_at is 'When the newest of its tokens was issued.';
comment on column trunkline.sessions.expires_at is 'When the newest of its tokens expires.';
comment on column trunkline.sessions.connections is
  'How many connections it has had. Instance, address and user agent are those of the newest.';
comment on column trunkline.sessions.ended_at is 'Its last end.';
comment on column trunkline.sessions.end_reason is
  'Why it ended; null while it goes on. A session without a sid may begin again.';
comment on column trunkline.sessions.refused_until is
  'Tokens issued until then are refused: those in use at a logout or revocation, or every one with its sid.';
-- For the instances, which look for what ended lately. Connecting and disconnecting leaves ended_at alone, so it stays HOT.
create index sessions_ended_at_idx on trunkline.sessions (ended_at) where ended_at is not null;

create table trunkline.session_tokens (
  user_id text collate "C" not null,
  token_id text collate "C" not null,
  session_id text collate "C" not null,
  expires_at timestamptz not null,
  refused_at timestamptz,
  constraint session_tokens_pkey primary key (user_id, token_id, session_id)
);
comment on table trunkline.session_tokens is
  'The tokens without a sid that the session of a device was shown, and those of erased sessions. When that session is ended each of them is '
  'refused, on every device: nothing else tells a token that was logged out from the next login of the same second.';
comment on column trunkline.session_tokens.token_id is 'A digest of what is signed; `sid:` and the session for the tokens of an erased session that named it.';
comment on column trunkline.session_tokens.refused_at is 'Since when it is refused; null while it is good.';
-- For the instances, which look for what was refused lately, and for the job that forgets tokens past their end.
create index session_tokens_refused_at_idx on trunkline.session_tokens (refused_at) where refused_at is not null;
create index session_tokens_expires_at_idx on trunkline.session_tokens (expires_at);

create table trunkline.revocations (
  user_id text collate "C" not null constraint revocations_pkey primary key,
  revoked_at timestamptz not null default clock_timestamp(),
  refused_until timestamptz not null
);
comment on table trunkline.revocations is
  'Users whose sessions were all revoked: tokens issued to them up to refused_until are refused.';
create index revocations_revoked_at_idx on trunkline.revocations (revoked_at);

create table trunkline.bans (
  user_id text collate "C" not null constraint bans_pkey primary key,
  reason text,
  banned_at timestamptz not null default clock_timestamp(),
  banned_until timestamptz not null default 'infinity'
);
comment on table trunkline.bans is 'Users who are kept out, whatever token they show.';
comment on column trunkline.bans.reason is 'For operators; the user is not told.';
create index bans_banned_at_idx on trunkline.bans (banned_at);
