-- The registry: which instances run, and which connections each holds. All of it is UNLOGGED, so that it costs no WAL:
-- after a crash of PostgreSQL the tables are empty, and the instances write themselves in again.

-- A handful of rows that beat: HOT pruning keeps them in their page. If autovacuum analysed them every minute, as its
-- defaults say, that would write four times as much WAL (into pg_statistic) as everything else an idle cluster does.
create unlogged table trunkline.instances (
  instance_id text collate "C" primary key,
  started_at timestamptz not null default clock_timestamp(),
  lease_expires_at timestamptz not null,
  draining boolean not null default false,
  lock_key integer,
  incarnation uuid not null default gen_random_uuid(),
  enrolled_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_analyze_threshold = 100000, autovacuum_vacuum_threshold = 10000);
comment on table trunkline.instances is 'The instances that are alive.';
comment on column trunkline.instances.started_at is
  'The start of the process, also after the instance has been written in again.';
comment on column trunkline.instances.lock_key is
  'The key of the advisory lock that its dedicated session holds; null while it holds none.';
comment on column trunkline.instances.incarnation is
  'Tells two processes apart that had the same id one after the other.';
comment on column trunkline.instances.enrolled_at is
  'Since when it stands here, in a registry that a crash of PostgreSQL may have emptied.';

-- No index on last_heartbeat, and room on each page for a second version of all its rows: beating stays HOT.
create unlogged table trunkline.connections (
  user_id text collate "C" not null,
  connection_id text collate "C" not null,
  device_id text not null,
  instance_id text collate "C" not null,
  address text,
  connected_at timestamptz not null default clock_timestamp(),
  session_id text collate "C",
  last_heartbeat timestamptz not null default clock_timestamp(),
  primary key (user_id, connection_id)
) with (fillfactor = 45);
comment on table trunkline.connections is
  'The connections of clients, each on one instance. A user is online while one of them is on an instance that is '
  'alive.';
create index connections_instance_id_idx on trunkline.connections (instance_id);

create unlogged table trunkline.routes (
  channel text collate "C" not null,
  instance_id text collate "C" not null,
  primary key (channel, instance_id)
);
comment on table trunkline.routes is
  'Which instances have subscribers of a channel, and want to hear of its new messages; under `presence:` and a channel, '
  'which have watchers of it.';
create index routes_instance_id_idx on trunkline.routes (instance_id);

-- Made by the first instance that finds no row. (pg_postmaster_start_time() would not do: a crashed backend empties the
-- tables and leaves the postmaster running.)
create unlogged table trunkline.registry_origin (
  origin uuid not null default gen_random_uuid(),
  is_only_one boolean primary key default true constraint registry_origin_is_one check (is_only_one)
);
comment on table trunkline.registry_origin is
  'One row, which is emptied together with the registry. An instance whose row is missing was given up by its peers '
  'if the origin is the one it knows; if it is another, PostgreSQL crashed, and the instance only writes itself in '
  'again.';

create unlogged table trunkline.instance_orders (
  instance_id text collate "C" not null,
  kind text not null constraint instance_orders_kind_is_known check (kind in ('disconnect', 'drain')),
  connection_id text collate "C" not null default '',
  ordered_at timestamptz not null default clock_timestamp(),
  constraint instance_orders_pkey primary key (instance_id, kind, connection_id)
);
comment on table trunkline.instance_orders is 'What operators order instances to do. Each instance takes its rows out.';
comment on column trunkline.instance_orders.connection_id is 'The connection to close; empty for other kinds.';
