-- Generated from the migrations by `npm run schema`; compared by `npm run check`.

create table trunkline.admin_audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default clock_timestamp(),
  key_name text not null,
  action text not null,
  target text not null,
  details jsonb not null,
  request_id text,
  instance_id text not null,
  result text,
  constraint admin_audit_pkey PRIMARY KEY (id)
);
CREATE INDEX admin_audit_at_idx ON trunkline.admin_audit USING btree (at);

create table trunkline.attempts (
  channel text collate "C" not null,
  from_seq bigint not null,
  to_seq bigint not null,
  user_id text not null,
  device_id text not null,
  connection_id text not null,
  instance_id text not null,
  attempt integer not null,
  sent_at timestamp with time zone not null,
  settled_at timestamp with time zone not null,
  outcome text not null,
  error text,
  constraint attempts_outcome_is_known CHECK ((outcome = ANY (ARRAY['sent'::text, 'acknowledged'::text, 'timeout'::text, 'disconnected'::text])))
) partition by range (settled_at);
CREATE INDEX attempts_channel_seq_idx ON ONLY trunkline.attempts USING btree (channel, to_seq);
create table trunkline.attempts_default partition of trunkline.attempts default;

create table trunkline.bans (
  user_id text collate "C" not null,
  reason text,
  banned_at timestamp with time zone not null default clock_timestamp(),
  banned_until timestamp with time zone not null default 'infinity'::timestamp with time zone,
  constraint bans_pkey PRIMARY KEY (user_id)
);
CREATE INDEX bans_banned_at_idx ON trunkline.bans USING btree (banned_at);

create table trunkline.channels (
  channel text collate "C" not null,
  last_seq bigint not null default 0,
  last_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  epoch integer not null default 0,
  constraint channels_pkey PRIMARY KEY (channel)
) with (fillfactor=50);

create table trunkline.claims (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  claimed_at timestamp with time zone not null default clock_timestamp(),
  constraint claims_pkey PRIMARY KEY (channel, seq, user_id)
);
CREATE INDEX claims_claimed_at_idx ON trunkline.claims USING btree (claimed_at);

create unlogged table trunkline.connections (
  user_id text collate "C" not null,
  connection_id text collate "C" not null,
  device_id text not null,
  instance_id text collate "C" not null,
  address text,
  connected_at timestamp with time zone not null default clock_timestamp(),
  session_id text collate "C",
  last_heartbeat timestamp with time zone not null default clock_timestamp(),
  constraint connections_pkey PRIMARY KEY (user_id, connection_id)
) with (fillfactor=45);
CREATE INDEX connections_instance_id_idx ON trunkline.connections USING btree (instance_id);

create table trunkline.cursors (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  channel text collate "C" not null,
  delivered_seq bigint not null,
  read_seq bigint not null default 0,
  started_seq bigint not null default 0,
  failed_attempts integer not null default 0,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint cursors_pkey PRIMARY KEY (user_id, device_id, channel)
) with (fillfactor=50);

create table trunkline.dead_letters (
  channel text collate "C" not null,
  seq bigint not null,
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  message_id uuid not null,
  attempts integer not null,
  error text,
  died_at timestamp with time zone not null default clock_timestamp(),
  requeued_as uuid,
  purged_at timestamp with time zone,
  constraint dead_letters_pkey PRIMARY KEY (channel, seq, user_id, device_id)
);
CREATE INDEX dead_letters_died_at_idx ON trunkline.dead_letters USING btree (died_at, message_id);

create table trunkline.devices (
  user_id text collate "C" not null,
  device_id text collate "C" not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  last_seen_at timestamp with time zone not null default clock_timestamp(),
  constraint devices_pkey PRIMARY KEY (user_id, device_id)
) with (fillfactor=70);
CREATE INDEX devices_lower_user_id_idx ON trunkline.devices USING btree (lower(user_id));

create unlogged table trunkline.instance_orders (
  instance_id text collate "C" not null,
  kind text not null,
  connection_id text collate "C" not null default ''::text,
  ordered_at timestamp with time zone not null default clock_timestamp(),
  constraint instance_orders_kind_is_known CHECK ((kind = ANY (ARRAY['disconnect'::text, 'drain'::text]))),
  constraint instance_orders_pkey PRIMARY KEY (instance_id, kind, connection_id)
);

create unlogged table trunkline.instances (
  instance_id text collate "C" not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  lease_expires_at timestamp with time zone not null,
  draining boolean not null default false,
  lock_key integer,
  incarnation uuid not null default gen_random_uuid(),
  enrolled_at timestamp with time zone not null default clock_timestamp(),
  constraint instances_pkey PRIMARY KEY (instance_id)
) with (fillfactor=50, autovacuum_analyze_threshold=100000, autovacuum_vacuum_threshold=10000);

create table trunkline.job_runs (
  job text not null,
  run_id bigint not null generated always as identity,
  instance_id text not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null default clock_timestamp(),
  rows bigint not null default 0,
  error text,
  constraint job_runs_pkey PRIMARY KEY (job, run_id)
);
CREATE INDEX job_runs_finished_at_idx ON trunkline.job_runs USING btree (job, finished_at DESC);

create unlogged table trunkline.limit_shares (
  limit_key text collate "C" not null,
  instance_id text collate "C" not null,
  granted double precision not null,
  demand integer not null,
  until timestamp with time zone,
  counted double precision not null default 0,
  counted_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint limit_shares_pkey PRIMARY KEY (limit_key, instance_id)
) with (fillfactor=70);

create table trunkline.memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamp with time zone not null default clock_timestamp(),
  constraint memberships_pkey PRIMARY KEY (channel, user_id)
);
CREATE INDEX memberships_user_id_idx ON trunkline.memberships USING btree (user_id, channel);

create table trunkline.messages (
  channel text collate "C" not null,
  seq bigint not null,
  id uuid not null,
  sender text,
  type text not null,
  body text,
  metadata text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  controls jsonb
) partition by range (created_at);
CREATE INDEX messages_collapse_key_idx ON ONLY trunkline.messages USING btree (channel, ((controls ->> 'collapseKey'::text)), seq) WHERE ((controls ->> 'collapseKey'::text) IS NOT NULL);
CREATE INDEX messages_expires_at_idx ON ONLY trunkline.messages USING btree (expires_at) WHERE ((expires_at IS NOT NULL) AND (body IS NOT NULL));
CREATE INDEX messages_id_idx ON ONLY trunkline.messages USING btree (id);
create table trunkline.messages_default partition of trunkline.messages default;

create table trunkline.outbox (
  id bigint not null generated always as identity,
  due_at timestamp with time zone not null,
  message_id uuid not null,
  channel text collate "C" not null,
  publisher text collate "C" not null,
  sender text,
  type text not null,
  body text not null,
  metadata text,
  controls text,
  ttl_ms bigint,
  publish_id text collate "C",
  created_at timestamp with time zone not null default clock_timestamp(),
  error text,
  constraint outbox_message_id_key UNIQUE (message_id),
  constraint outbox_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000);
CREATE INDEX outbox_due_idx ON trunkline.outbox USING btree (due_at, id) WHERE (error IS NULL);
CREATE UNIQUE INDEX outbox_publish_id_idx ON trunkline.outbox USING btree (channel, publish_id, publisher) WHERE (publish_id IS NOT NULL);
CREATE INDEX outbox_user_idx ON trunkline.outbox USING btree (publisher) WHERE (publisher ~~ 'user:%'::text);

create table trunkline.past_memberships (
  channel text collate "C" not null,
  user_id text collate "C" not null,
  joined_seq bigint not null,
  joined_at timestamp with time zone not null,
  left_seq bigint not null,
  left_at timestamp with time zone not null default clock_timestamp(),
  constraint past_memberships_pkey PRIMARY KEY (channel, user_id, left_at)
);
CREATE INDEX past_memberships_left_at_idx ON trunkline.past_memberships USING btree (left_at);
CREATE INDEX past_memberships_user_id_idx ON trunkline.past_memberships USING btree (user_id, channel);

create table trunkline.publish_ids (
  channel text collate "C" not null,
  publisher text collate "C" not null,
  publish_id text collate "C" not null,
  seq bigint not null,
  message_id uuid not null,
  created_at timestamp with time zone not null
) partition by range (created_at);
create table trunkline.publish_ids_default partition of trunkline.publish_ids default;

create table trunkline.receipts (
  author text collate "C" not null,
  channel text collate "C" not null,
  user_id text collate "C" not null,
  state text collate "C" not null,
  seq bigint not null,
  updated_on date not null default ((clock_timestamp() AT TIME ZONE 'utc'::text))::date,
  constraint receipts_pkey PRIMARY KEY (author, channel, user_id, state),
  constraint receipts_state_is_known CHECK ((state = ANY (ARRAY['delivered'::text, 'read'::text])))
) with (fillfactor=70);
CREATE INDEX receipts_updated_on_idx ON trunkline.receipts USING btree (updated_on);

create unlogged table trunkline.registry_origin (
  origin uuid not null default gen_random_uuid(),
  is_only_one boolean not null default true,
  constraint registry_origin_is_one CHECK (is_only_one),
  constraint registry_origin_pkey PRIMARY KEY (is_only_one)
);

create table trunkline.revocations (
  user_id text collate "C" not null,
  revoked_at timestamp with time zone not null default clock_timestamp(),
  refused_until timestamp with time zone not null,
  constraint revocations_pkey PRIMARY KEY (user_id)
);
CREATE INDEX revocations_revoked_at_idx ON trunkline.revocations USING btree (revoked_at);

create unlogged table trunkline.routes (
  channel text collate "C" not null,
  instance_id text collate "C" not null,
  constraint routes_pkey PRIMARY KEY (channel, instance_id)
);
CREATE INDEX routes_instance_id_idx ON trunkline.routes USING btree (instance_id);

create table trunkline.service_hours (
  hour timestamp with time zone not null,
  constraint service_hours_pkey PRIMARY KEY (hour)
);

create table trunkline.session_tokens (
  user_id text collate "C" not null,
  token_id text collate "C" not null,
  session_id text collate "C" not null,
  expires_at timestamp with time zone not null,
  refused_at timestamp with time zone,
  constraint session_tokens_pkey PRIMARY KEY (user_id, token_id, session_id)
);
CREATE INDEX session_tokens_expires_at_idx ON trunkline.session_tokens USING btree (expires_at);
CREATE INDEX session_tokens_refused_at_idx ON trunkline.session_tokens USING btree (refused_at) WHERE (refused_at IS NOT NULL);

create table trunkline.sessions (
  user_id text collate "C" not null,
  session_id text collate "C" not null,
  device_id text collate "C" not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  last_activity_at timestamp with time zone not null default clock_timestamp(),
  issued_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  connections integer not null default 0,
  instance_id text collate "C" not null,
  address text,
  user_agent text,
  ended_at timestamp with time zone,
  end_reason text,
  refused_until timestamp with time zone,
  constraint sessions_end_reason_check CHECK ((end_reason = ANY (ARRAY['logout'::text, 'revoked'::text, 'expired'::text, 'inactive'::text]))),
  constraint sessions_pkey PRIMARY KEY (user_id, session_id)
) with (fillfactor=70);
CREATE INDEX sessions_ended_at_idx ON trunkline.sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);

create unlogged table trunkline.suspects (
  address text collate "C" not null,
  reason text collate "C" not null,
  count bigint not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  constraint suspects_pkey PRIMARY KEY (address, reason)
) with (fillfactor=50);

create view trunkline.delivery_status as
 SELECT m.id AS message_id,
    m.channel,
    m.seq,
    m.type,
    m.sender,
    m.created_at,
    m.expires_at,
    r.user_id,
    d.device_id,
        CASE
            WHEN (l.seq IS NOT NULL) THEN 'dead'::text
            WHEN (((c.delivered_seq >= m.seq) OR (r.left_at IS NOT NULL)) AND COALESCE(evidence.is_there, true)) THEN
            CASE
                WHEN (c.read_seq >= m.seq) THEN 'read'::text
                ELSE 'delivered'::text
            END
            WHEN (r.left_at < COALESCE(m.expires_at, 'infinity'::timestamp with time zone)) THEN 'left'::text
            WHEN ((m.controls ->> 'cancelled'::text) IS NOT NULL) THEN 'cancelled'::text
            WHEN (m.expires_at <= clock_timestamp()) THEN 'expired'::text
            WHEN (c.delivered_seq >= m.seq) THEN 'collapsed'::text
            WHEN (((m.controls ->> 'collapseKey'::text) IS NOT NULL) AND (EXISTS ( SELECT
               FROM trunkline.messages newer
              WHERE ((newer.channel = m.channel) AND ((newer.controls ->> 'collapseKey'::text) = (m.controls ->> 'collapseKey'::text)) AND (NOT ((newer.controls ->> 'collapseBy'::text) IS DISTINCT FROM (m.controls ->> 'collapseBy'::text))) AND (newer.seq > m.seq) AND ((newer.controls ->> 'cancelled'::text) IS NULL) AND ((newer.expires_at IS NULL) OR (newer.expires_at > clock_timestamp()))))) AND (NOT (EXISTS ( SELECT
               FROM trunkline.connections o
              WHERE ((o.user_id = r.user_id) AND (o.device_id = d.device_id)))))) THEN 'collapsed'::text
            WHEN (EXISTS ( SELECT
               FROM trunkline.attempts a
              WHERE ((a.channel = m.channel) AND (a.from_seq <= m.seq) AND ((a.to_seq >= m.seq) AND (a.to_seq <= (m.seq + 10000))) AND (a.user_id = r.user_id) AND (a.device_id = d.device_id)))) THEN 'sent'::text
            ELSE 'queued'::text
        END AS status
   FROM ((((((trunkline.messages m
     CROSS JOIN LATERAL ( SELECT trunkline.inbox_user(m.channel) AS user_id,
            NULL::timestamp with time zone AS left_at
          WHERE (m.channel ~~ 'user:%'::text)
        UNION ALL
         SELECT s.user_id,
            NULL::timestamp with time zone
           FROM trunkline.memberships s
          WHERE ((s.channel = m.channel) AND (s.joined_seq < m.seq))
        UNION ALL
         SELECT p.user_id,
            p.left_at
           FROM trunkline.past_memberships p
          WHERE ((p.channel = m.channel) AND (p.joined_seq < m.seq) AND (p.left_seq >= m.seq))
        UNION ALL
         SELECT DISTINCT b.user_id,
            NULL::timestamp with time zone AS timestamptz
           FROM trunkline.devices b
          WHERE ((m.channel = 'broadcast'::text) AND (b.created_at < COALESCE(m.expires_at, 'infinity'::timestamp with time zone)))) r)
     LEFT JOIN trunkline.devices d ON (((d.user_id = r.user_id) AND (d.created_at < COALESCE(m.expires_at, 'infinity'::timestamp with time zone)))))
     LEFT JOIN trunkline.cursors c ON (((c.user_id = r.user_id) AND (c.device_id = d.device_id) AND (c.channel = m.channel))))
     LEFT JOIN trunkline.dead_letters l ON (((l.channel = m.channel) AND (l.seq = m.seq) AND (l.user_id = r.user_id) AND (l.device_id = d.device_id))))
     LEFT JOIN trunkline.claims k ON (((k.channel = m.channel) AND (k.seq = m.seq) AND (k.user_id = r.user_id))))
     LEFT JOIN LATERAL ( SELECT (EXISTS ( SELECT
                   FROM trunkline.attempts a
                  WHERE ((a.channel = m.channel) AND (a.from_seq <= m.seq) AND ((a.to_seq >= m.seq) AND (a.to_seq <= (m.seq + 10000))) AND (a.user_id = r.user_id) AND (a.device_id = d.device_id) AND (a.outcome = 'acknowledged'::text) AND ((m.expires_at IS NULL) OR (a.sent_at < m.expires_at))))) AS is_there) evidence ON (((r.left_at IS NOT NULL) OR ((c.delivered_seq >= m.seq) AND ((m.expires_at <= clock_timestamp()) OR ((m.controls ->> 'cancelled'::text) IS NOT NULL) OR ((m.controls ->> 'collapseKey'::text) IS NOT NULL) OR (((m.controls ->> 'exceptConnection'::text) IS NOT NULL) AND (r.user_id = m.sender)))))))
  WHERE ((m.seq > COALESCE(c.started_seq, (0)::bigint)) AND (((m.controls ->> 'exceptUser'::text) IS NULL) OR ((m.controls ->> 'exceptUser'::text) <> r.user_id)) AND ((((m.controls #>> '{exceptDevice,user}'::text[]) = r.user_id) AND ((m.controls #>> '{exceptDevice,deviceId}'::text[]) = d.device_id)) IS NOT TRUE) AND ((k.device_id IS NULL) OR (k.device_id = d.device_id)) AND ((evidence.is_there IS NOT FALSE) OR ((m.controls ->> 'exceptConnection'::text) IS NULL) OR (r.user_id <> m.sender)));

create view trunkline.online_users as
 SELECT c.user_id,
    count(*) AS connections,
    min(c.connected_at) AS online_since
   FROM (trunkline.connections c
     JOIN trunkline.instances i ON ((i.instance_id = c.instance_id)))
  GROUP BY c.user_id;

create view trunkline.presence as
 SELECT d.user_id,
    d.device_id,
    (COALESCE(c.connections, (0)::bigint) > 0) AS is_online,
    COALESCE(c.connections, (0)::bigint) AS connections,
    GREATEST(d.last_seen_at, s.last_activity_at, c.last_heartbeat) AS last_seen_at
   FROM ((trunkline.devices d
     LEFT JOIN ( SELECT c_1.user_id,
            c_1.device_id,
            count(*) AS connections,
            max(c_1.last_heartbeat) AS last_heartbeat
           FROM (trunkline.connections c_1
             JOIN trunkline.instances i ON ((i.instance_id = c_1.instance_id)))
          GROUP BY c_1.user_id, c_1.device_id) c ON (((c.user_id = d.user_id) AND (c.device_id = d.device_id))))
     LEFT JOIN ( SELECT s_1.user_id,
            s_1.device_id,
            max(s_1.last_activity_at) AS last_activity_at
           FROM trunkline.sessions s_1
          GROUP BY s_1.user_id, s_1.device_id) s ON (((s.user_id = d.user_id) AND (s.device_id = d.device_id))));

create view trunkline.undelivered as
 SELECT message_id,
    channel,
    seq,
    type,
    sender,
    created_at,
    expires_at,
    user_id,
    device_id,
    status
   FROM trunkline.delivery_status
  WHERE (status = ANY (ARRAY['queued'::text, 'sent'::text]));

CREATE OR REPLACE FUNCTION trunkline.append(channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[], controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval, OUT stored_ids uuid[], OUT seqs bigint[], OUT times timestamp with time zone[], OUT outcomes text[], OUT present timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  named integer := cardinality(array_remove(append.publish_ids, null));
  inserted integer;
  -- Those whose publish id belongs to a message that waits for its time.
  held bigint[];
  repeats bigint[];
  repeat record;
begin
  with wanted as (
    select channel, count(*) as size from unnest(append.channels) as channel group by channel
  ), bumped as (
    insert into trunkline.channels as c (channel, last_seq, last_at)
    select channel, size, clock_timestamp() from wanted order by channel collate "C"
    on conflict (channel) do update
      set last_seq = c.last_seq + excluded.last_seq, last_at = greatest(c.last_at, clock_timestamp())
    returning c.channel, c.last_seq, c.last_at
  )
  select array_agg(last_seq - behind order by ord), array_agg(last_at order by ord)
    into seqs, times
    from (select i.ord, b.last_seq, b.last_at,
                 count(*) over (partition by i.channel order by i.ord desc) - 1 as behind
            from unnest(append.channels) with ordinality as i (channel, ord)
            join bumped b using (channel)) as numbered;
  present := clock_timestamp();

  if named > 0 then
    if exists (select from trunkline.outbox where publish_id is not null) then
      select array_agg(i.ord) into held
        from unnest(append.channels, append.publishers, append.publish_ids) with ordinality as i (channel, publisher, publish_id, ord)
       where exists (select from trunkline.outbox o
                      where o.channel = i.channel and o.publish_id = i.publish_id and o.publisher = i.publisher and o.error is null);
    end if;
    begin
      if held is not null then
        raise unique_violation;
      end if;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, times)
             as i (channel, publisher, publish_id, id, seq, at)
        left join lateral (
             select true as is_stored from trunkline.publish_ids p
              where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
                and p.created_at > now() - append.dedupe_window and p.created_at < date_trunc('day', i.at, 'UTC')
              limit 1) as older on true -- the limit keeps it a lookup by index for each, whatever the planner thinks
       where i.publish_id is not null and older.is_stored is null;
      get diagnostics inserted = row_count;
      if inserted < named then
        raise unique_violation;
      end if;
    exception when unique_violation then
      repeats := trunkline.find_repeats(append.channels, append.publishers, append.publish_ids, append.dedupe_window);
      if held is not null then
        repeats := array(select distinct ord from unnest(repeats || held) as ord);
      end if;
      select n.seqs into seqs from trunkline.number_again(append.channels, seqs, repeats) as n (seqs);
      -- Ids that a window shorter than a day has forgotten still stand in the index of today: they make room.
      delete from trunkline.publish_ids p
       using unnest(append.channels, append.publishers, append.publish_ids) as i (channel, publisher, publish_id)
       where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
         and p.created_at <= now() - append.dedupe_window;
      insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
      select i.channel, i.publisher, i.publish_id, i.seq, i.id, i.at
        from unnest(append.channels, append.publishers, append.publish_ids, append.ids, seqs, times)
             as i (channel, publisher, publish_id, id, seq, at)
       where i.publish_id is not null and i.seq is not null;
    end;
  end if;

  insert into trunkline.messages (channel, seq, id, sender, type, body, metadata, controls, created_at, expires_at)
  select i.channel, i.seq, i.id, i.sender, i.type, i.body, i.metadata,
         case when i.controls::jsonb ? 'collapseKey' then i.controls::jsonb || jsonb_build_object('collapseBy', i.publisher)
              else i.controls::jsonb end,
         i.at, least(i.at, present) + i.ttl_ms * interval '1 millisecond'
    from unnest(append.channels, append.ids, append.publishers, append.senders, append.types, append.bodies,
                append.metadatas, append.controls, append.ttls_ms, seqs, times)
         as i (channel, id, publisher, sender, type, body, metadata, controls, ttl_ms, seq, at)
   where i.seq is not null;

  stored_ids := append.ids;
  if repeats is null then
    return;
  end if;
  outcomes := array_fill('stored'::text, array[cardinality(append.ids)]);
  for repeat in
    select i.ord, p.message_id, p.seq, p.created_at,
           case when m.body is null or (m.type = i.type and trunkline.is_same_json(m.body, i.body)) then 'repeated'
                else 'conflict' end as outcome
      from unnest(append.channels, append.publishers, append.types, append.bodies, append.publish_ids)
           with ordinality as i (channel, publisher, type, body, publish_id, ord)
     cross join lateral (
           select * from trunkline.publish_ids p
            where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
              and p.created_at > now() - append.dedupe_window
            order by p.created_at limit 1) as p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where i.ord = any (repeats)
  loop
    stored_ids[repeat.ord] := repeat.message_id;
    seqs[repeat.ord] := repeat.seq;
    times[repeat.ord] := repeat.created_at;
    outcomes[repeat.ord] := repeat.outcome;
  end loop;
  for repeat in select ord from unnest(held) as ord loop
    seqs[repeat.ord] := 0;
    times[repeat.ord] := present;
    outcomes[repeat.ord] := 'conflict';
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.assert_partitioned(parent text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if parent is null or parent not in ('messages', 'publish_ids', 'attempts') then
    raise exception '% has no daily partitions', coalesce(parent, 'null') using errcode = 'invalid_parameter_value';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.channels_of(users text[])
 RETURNS TABLE(channel text)
 LANGUAGE sql
 STABLE
AS $function$
  select trunkline.inbox(u.user_id) from unnest(users) as u (user_id)
   union
  select m.channel from trunkline.memberships m where m.user_id = any (users)
$function$
;

CREATE OR REPLACE FUNCTION trunkline.check_body(body text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
AS $function$
declare
  bare text;
  opened integer;
begin
  if body is null or octet_length(body) > 65536 then
    raise exception 'trunkline 1003: data is null or longer than 65536 bytes' using errcode = 'invalid_parameter_value';
  end if;
  begin
    perform body::json;
  exception
    when statement_too_complex then
      raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
    when data_exception then
      raise exception 'trunkline 1015: data is not JSON; a string needs its double quotes'
        using errcode = 'invalid_parameter_value';
  end;
  -- A space in the place of what is taken out, so that its neighbours do not become a pair.
  if position('\u' in body) > 0 and regexp_replace(replace(body, '\\', ' '),
       '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g') ~ '\\u0000|\\u[dD][89a-fA-F]' then
    raise exception 'trunkline 1006: data holds \u0000 or half a surrogate pair' using errcode = 'invalid_parameter_value';
  end if;
  -- Shorter ones cannot hold as many keys or levels.
  if octet_length(body) < 66 and body !~ '\d[eE]' then
    return;
  end if;
  bare := regexp_replace(body, '"(?:[^"\\]|\\.)*"', '""', 'g');
  if length(bare) - length(replace(bare, ':', '')) > 1000 then
    raise exception 'trunkline 1005: data has more than 1000 keys' using errcode = 'invalid_parameter_value';
  end if;
  opened := length(bare) - length(translate(bare, '[{', ''));
  if opened > 32 and (
       select max(depth) > 32
         from (select sum(case when c in ('[', '{') then 1 else -1 end) over (order by ord) as depth
                 from string_to_table(regexp_replace(bare, '[^][{}]', '', 'g'), null) with ordinality as b (c, ord)) as levels) then
    raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
  end if;
  if bare ~ '\d[eE]|\d{255}' and exists (
       select from regexp_matches(bare, '-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', 'g') as n (number)
        where (n.number[1] ~ '[eE]' or length(n.number[1]) > 308) and trunkline.exceeds_double(n.number[1])) then
    raise exception 'trunkline 1018: data holds a number beyond what a double holds, about 1.8e308; send it as a string'
      using errcode = 'invalid_parameter_value';
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.decode_user(encoded text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select convert_from(string_agg(case when starts_with(part[1], '%') then decode(substr(part[1], 2), 'hex')
                                      else convert_to(part[1], 'UTF8') end, ''::bytea order by ord), 'UTF8')
    from regexp_matches(encoded, '%[0-9A-F]{2}|[^%]', 'g') with ordinality as m (part, ord)
$function$
;

CREATE OR REPLACE FUNCTION trunkline.drain_outbox(max_rows integer, dedupe_window interval, user_ttl_ms bigint, group_ttl_ms bigint, broadcast_ttl_ms bigint)
 RETURNS TABLE(channel text, message_id uuid, seq bigint, outcome text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
begin
  if not pg_try_advisory_xact_lock(7258, 1) then
    return;
  end if;
  return query
  with due as (
    select id from trunkline.outbox where error is null and due_at <= clock_timestamp()
     order by due_at, id limit max_rows for update skip locked
  ), taken as (
    delete from trunkline.outbox o using due where o.id = due.id returning o.*
  ), kept as (
    select t.* from taken t
     where t.type <> 'trunkline.receipt'
        or not exists (select from taken newer
                        where newer.type = t.type and newer.channel = t.channel and newer.controls = t.controls
                          and newer.id > t.id)
  ), batch as (
    select array_agg(t.channel order by t.due_at, t.id) as channels, array_agg(t.message_id order by t.due_at, t.id) as ids,
           array_agg(t.publisher order by t.due_at, t.id) as publishers, array_agg(t.sender order by t.due_at, t.id) as senders,
           array_agg(t.type order by t.due_at, t.id) as types, array_agg(t.body order by t.due_at, t.id) as bodies,
           array_agg(t.metadata order by t.due_at, t.id) as metadatas, array_agg(t.controls order by t.due_at, t.id) as controls,
           array_agg(coalesce(t.ttl_ms, nullif(case when t.channel like 'user:%' then user_ttl_ms
                                                     when t.channel like 'group:%' then group_ttl_ms
                                                     else broadcast_ttl_ms end, 0)) order by t.due_at, t.id) as ttls_ms, array_agg(t.publish_id order by t.due_at, t.id) as publish_ids
      from kept t having count(*) > 0
  ), moved as (
    select i.own_id, i.channel, i.id, i.seq, coalesce(i.outcome, 'stored') as outcome
      from batch b
     cross join lateral trunkline.append(b.channels, b.ids, b.publishers, b.senders, b.types, b.bodies, b.metadatas,
                                         b.controls, b.ttls_ms, b.publish_ids, drain_outbox.dedupe_window) as a
     cross join lateral unnest(b.ids, b.channels, a.stored_ids, a.seqs, a.outcomes) as i (own_id, channel, id, seq, outcome)
  ), put_aside as (
    insert into trunkline.outbox (id, due_at, message_id, channel, publisher, sender, type, body, metadata, controls, ttl_ms,
                                  publish_id, created_at, error) overriding system value
    select t.id, t.due_at, t.message_id, t.channel, t.publisher, t.sender, t.type, t.body, t.metadata, t.controls, t.ttl_ms,
           t.publish_id, t.created_at, 'its publishId was used for another message before its time came'
      from moved m join taken t on t.message_id = m.own_id where m.outcome = 'conflict'
  )
  select m.channel, case m.outcome when 'conflict' then m.own_id else m.id end, m.seq, m.outcome from moved m;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.drop_partition(parent text, name text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '40ms'
AS $function$
begin
  perform trunkline.assert_partitioned(parent);
  if name not in (select trunkline.old_partitions(parent, 'infinity')) then
    return false;
  end if;
  execute format('drop table trunkline.%I', name);
  return true;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.encode_user(user_id text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select string_agg(case when c ~ '^[A-Za-z0-9._:@/+-]$' then c
                         else (select string_agg('%' || substr(hex, at, 2), '' order by at)
                                 from generate_series(1, length(hex), 2) as at) end, '' order by ord)
    from regexp_split_to_table(user_id, '') with ordinality as s (c, ord)
   cross join lateral (select upper(encode(convert_to(c, 'UTF8'), 'hex')) as hex) as h
$function$
;

CREATE OR REPLACE FUNCTION trunkline.erasable()
 RETURNS TABLE(name text, pages bigint)
 LANGUAGE sql
 STABLE
AS $function$
  select c.relname::text, pg_relation_size(c.oid) / current_setting('block_size')::bigint
    from pg_class c
   where c.relnamespace = 'trunkline'::regnamespace and c.relkind = 'r'
     and (c.relname ~ '^(messages|publish_ids)_' or c.relname in ('outbox', 'admin_audit')
          or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))
     and c.relname not in ('connections', 'bans', 'revocations', 'session_tokens')
   order by 1 desc
$function$
;

CREATE OR REPLACE FUNCTION trunkline.erase_from(name text, first_page bigint, page_count bigint, user_id text, keeps_sent boolean)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  digest constant text := 'erased:' || left(encode(sha256(convert_to(user_id, 'UTF8')), 'hex'), 16);
  erased bigint;
  action constant text := case
    when name = 'admin_audit' then
      'update trunkline.%1$I set target = $3, details = ''{}''
        where %2$s and trunkline.is_change_of($2, action, target, details, result)'
    when name = 'outbox' then
      'with gone as (
         delete from trunkline.%1$I where %2$s and (channel = $1 or publisher = ''user:'' || $2 or sender = $2
                                                    or trunkline.receipt_user(type, body) = $2) returning 1
       ), changed as (
         update trunkline.%1$I set controls = nullif(trunkline.except_no_longer($2, controls::jsonb)::text, ''{}'')
          where %2$s and channel <> $1 and sender is distinct from $2 and publisher <> ''user:'' || $2
            and $2 in (controls::jsonb ->> ''exceptUser'', controls::jsonb #>> ''{exceptDevice,user}'') returning 1
       ) select from gone union all select from changed'
    when name ~ '^publish_ids_' then
      -- The publish id of a receipt: delivered:<message>:<user>:<device>
      'delete from trunkline.%1$I where %2$s
          and (channel = $1 or publisher = ''user:'' || $2
               or (publisher = ''trunkline'' and starts_with(substr(publish_id, strpos(publish_id, '':'') + 38), $2 || '':'')))'
    -- Of what stays, the user is no longer the sender, nor the one from whom somebody withheld it.
    when name ~ '^messages_' then
      'with gone as (
         delete from trunkline.%1$I where %2$s and (channel = $1 or trunkline.receipt_user(type, body) = $2
                                                    or (sender = $2 and not $4)) returning 1
       ), changed as (
         update trunkline.%1$I
            set sender = nullif(sender, $2),
                controls = nullif(trunkline.except_no_longer($2, case when sender = $2
                  then controls - array[''collapseBy'', ''receipts'', ''exceptConnection''] else controls end), ''{}'')
          where %2$s and channel <> $1
            and case when sender = $2 then $4
                     else $2 in (controls ->> ''exceptUser'', controls #>> ''{exceptDevice,user}'') end returning 1
       ) select from gone union all select from changed'
    else 'delete from trunkline.%1$I where %2$s and user_id = $2'
  end;
begin
  if name not in (select e.name from trunkline.erasable() as e) then
    if to_regclass(format('trunkline.%I', name)) is null then
      return 0; -- a day that was dropped since it was listed
    end if;
    raise exception '% holds nothing of users', name using errcode = 'invalid_parameter_value';
  end if;
  begin
    execute format(action, name, format('ctid >= %L::tid and ctid < %L::tid', format('(%s,0)', first_page),
                                        format('(%s,0)', first_page + page_count)))
      using trunkline.inbox(user_id), user_id, digest, keeps_sent;
    get diagnostics erased = row_count;
  exception when undefined_table then
    return 0; -- dropped just now
  end;
  return erased;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.erase_inbox(user_id text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  inbox constant text := trunkline.inbox(user_id);
begin
  delete from trunkline.receipts r where r.author = erase_inbox.user_id;
  perform from trunkline.channels c where c.channel = inbox for update;
  delete from trunkline.messages m where m.channel = inbox;
  delete from trunkline.publish_ids p where p.channel = inbox;
  delete from trunkline.channels c where c.channel = inbox;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.exceeds_double(number text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
begin
  perform number::float8;
  return false;
exception when numeric_value_out_of_range then
  begin
    return abs(number::numeric) > 1;
  exception when numeric_value_out_of_range then
    return number !~ '[eE]-';
  end;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.except_no_longer(user_id text, controls jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select controls - case when controls ->> 'exceptUser' = user_id then array['exceptUser'] else '{}' end
                  - case when controls #>> '{exceptDevice,user}' = user_id then array['exceptDevice'] else '{}' end
$function$
;

CREATE OR REPLACE FUNCTION trunkline.fail_attempts(users text[], devices text[], channels text[], from_seqs bigint[], errors text[], max_attempts integer)
 RETURNS TABLE(user_id text, device_id text, channel text, seq bigint)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
begin
  if max_attempts = 0 then
    return;
  end if;
  return query
  with failed as (
    select user_id, device_id, channel, from_seq, max(error) as error, count(*)::integer as times
      from unnest(users, devices, channels, from_seqs, errors) as f (user_id, device_id, channel, from_seq, error)
     group by user_id, device_id, channel, from_seq
     order by user_id collate "C", device_id collate "C", channel collate "C"
  ), counted as (
    insert into trunkline.cursors as c (user_id, device_id, channel, delivered_seq, failed_attempts)
    select f.user_id, f.device_id, f.channel, f.from_seq - 1, f.times from failed f
    on conflict (user_id, device_id, channel) do update
      set failed_attempts = case when c.failed_attempts + excluded.failed_attempts >= max_attempts then 0
                                 else c.failed_attempts + excluded.failed_attempts end,
          delivered_seq = case when c.failed_attempts + excluded.failed_attempts >= max_attempts
                               then c.delivered_seq + 1 else c.delivered_seq end
      where c.delivered_seq = excluded.delivered_seq
    returning c.user_id, c.device_id, c.channel, c.delivered_seq
  )
  insert into trunkline.dead_letters as l (channel, seq, user_id, device_id, message_id, attempts, error)
  select n.channel, f.from_seq, n.user_id, n.device_id, m.id, max_attempts, f.error
    from counted n
    join failed f on f.user_id = n.user_id and f.device_id = n.device_id and f.channel = n.channel
    join trunkline.messages m on m.channel = n.channel and m.seq = f.from_seq
   where n.delivered_seq = f.from_seq
  on conflict (channel, seq, user_id, device_id) do nothing
  returning l.user_id, l.device_id, l.channel, l.seq;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.find_repeats(channels text[], publishers text[], publish_ids text[], dedupe_window interval)
 RETURNS bigint[]
 LANGUAGE sql
AS $function$
  select coalesce(array_agg(i.ord), '{}')
    from (select u.ord, u.channel, u.publish_id, u.publisher,
                 row_number() over (partition by u.channel, u.publish_id, u.publisher order by u.ord) as occurrence
            from unnest(channels, publish_ids, publishers) with ordinality as u (channel, publish_id, publisher, ord)
           where u.publish_id is not null) as i
    left join lateral (
         select true as is_stored from trunkline.publish_ids p
          where p.channel = i.channel and p.publish_id = i.publish_id and p.publisher = i.publisher
            and p.created_at > now() - find_repeats.dedupe_window
          limit 1) as earlier on true
   where i.occurrence > 1 or earlier.is_stored
$function$
;

CREATE OR REPLACE FUNCTION trunkline.forget_shares()
 RETURNS integer
 LANGUAGE sql
AS $function$
  with over as (
    select s.ctid from trunkline.limit_shares s
     where (s.until + interval '5 minutes' < clock_timestamp() and s.counted_until < clock_timestamp())
        or (s.until is null and not exists (select from trunkline.instances i where i.instance_id = s.instance_id))
     limit 10000 for update skip locked
  ), gone as (
    delete from trunkline.limit_shares where ctid in (select ctid from over) returning 1
  )
  select count(*)::integer from gone
$function$
;

CREATE OR REPLACE FUNCTION trunkline.has_undelivered(name text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  answer boolean;
begin
  if name not in (select trunkline.old_partitions('messages', 'infinity')) then
    raise exception '% is no day of messages', name using errcode = 'invalid_parameter_value';
  end if;
  execute format($q$
    with ends as (
      select channel, max(seq) as seq from trunkline.%I
       where expires_at is null or expires_at > clock_timestamp() group by channel
    ), readers as (
      select user_id, device_id, trunkline.inbox(user_id) as channel, 0 as first_seq from trunkline.devices
       union all
      select user_id, device_id, 'broadcast', null from trunkline.devices
       union all
      select d.user_id, d.device_id, m.channel, m.joined_seq
        from trunkline.memberships m join trunkline.devices d on d.user_id = m.user_id
    )
    select exists (
      select from ends e
        join readers r on r.channel = e.channel
        left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = r.device_id and c.channel = r.channel
       where greatest(coalesce(c.delivered_seq, r.first_seq, e.seq), r.first_seq) < e.seq)
  $q$, name) into answer;
  return answer;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.identify_rows(parent text, name text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if parent = 'attempts' then
    execute format('alter table trunkline.%I replica identity full', name);
  else
    execute format('alter table trunkline.%I add constraint %I primary key (%s)', name, name || '_pkey',
                   case parent when 'messages' then 'channel, seq' else 'channel, publish_id, publisher' end);
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.inbox(user_id text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select 'user:' || case when user_id ~ '^[A-Za-z0-9._:@/+-]+$' then user_id else trunkline.encode_user(user_id) end
$function$
;

CREATE OR REPLACE FUNCTION trunkline.inbox_user(channel text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select case when channel not like 'user:%' then null
              when position('%' in channel) = 0 then substr(channel, 6)
              else trunkline.decode_user(substr(channel, 6)) end
$function$
;

CREATE OR REPLACE FUNCTION trunkline.is_change_of(user_id text, action text, target text, details jsonb, result text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select coalesce(details ->> 'user' = user_id, false)
      or (target = user_id and (action like '%-user' or action = 'revoke-sessions'))
      or (action = 'revoke-session'
          and (regexp_replace(target, ' [^ ]*$', '') = user_id
               or (coalesce(result, '') like '1000 %' and starts_with(target, user_id || ' '))))
$function$
;

CREATE OR REPLACE FUNCTION trunkline.is_channel(channel text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
begin
  if channel ~ '^user:.*%' then
    return octet_length(channel) <= 605 and channel ~ '^user:([A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$'
       and length(trunkline.inbox_user(channel)) <= 200
       and trunkline.inbox_user(channel) !~ '[\u0001-\u001F\u007F-\u009F]'
       and trunkline.inbox(trunkline.inbox_user(channel)) = channel;
  end if;
  return coalesce(length(channel) <= case when channel like 'user:%' then 205 else 200 end
                  and channel ~ '^(broadcast|(user|group):[A-Za-z0-9._:@/+-]+)$'
                  and channel !~ '^user:[.][.]?$', false);
exception when character_not_in_repertoire or untranslatable_character then
  return false; -- the bytes behind the % are no UTF-8
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.is_same_json(a text, b text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
begin
  return a = b or a::jsonb = b::jsonb;
exception when data_exception or program_limit_exceeded then
  return false; -- numbers that only text can hold
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.last_seen(user_id text)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select greatest(
    (select max(d.last_seen_at) from trunkline.devices d where d.user_id = last_seen.user_id),
    (select max(s.last_activity_at) from trunkline.sessions s where s.user_id = last_seen.user_id),
    (select max(c.last_heartbeat) from trunkline.connections c
       join trunkline.instances i on i.instance_id = c.instance_id where c.user_id = last_seen.user_id))
$function$
;

CREATE OR REPLACE FUNCTION trunkline.latest_due()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select clock_timestamp() + interval '366 days'
$function$
;

CREATE OR REPLACE FUNCTION trunkline.lease_place(holder text, key text, most integer, used integer, needed integer, spare integer, sharers integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  is_known constant boolean := used = 0 or exists (
    select from trunkline.limit_shares s where s.limit_key = key and s.instance_id = holder);
  held integer;
  share integer := used;
begin
  if is_known then
    select most - coalesce(sum(s.granted), 0) into held
      from trunkline.limit_shares s join trunkline.instances i using (instance_id)
     where s.limit_key = key and s.instance_id <> holder;
    share := greatest(used, least(needed + least(spare, greatest(0, held - needed) / (2 * sharers)), held));
  end if;
  if share = 0 then
    delete from trunkline.limit_shares s where s.limit_key = key and s.instance_id = holder;
  else
    insert into trunkline.limit_shares as s (limit_key, instance_id, granted, demand) values (key, holder, share, used)
    on conflict (limit_key, instance_id) do update set granted = excluded.granted, demand = excluded.demand;
  end if;
  return case when is_known then share end;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.lease_places(holder text, keys text[], most integer[], used integer[], needed integer[], spare integer[], sharers integer)
 RETURNS integer[]
 LANGUAGE plpgsql
AS $function$
declare
  shares integer[] := '{}';
begin
  perform trunkline.lock_limits(keys);
  for i in 1 .. cardinality(keys) loop
    shares := shares || trunkline.lease_place(holder, keys[i], most[i], used[i], needed[i], spare[i], sharers);
  end loop;
  return shares;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.lease_rate(holder text, key text, most integer, window_ms integer, needed integer, wanted integer, hold_ms integer, slack_ms integer, moment timestamp with time zone)
 RETURNS double precision
 LANGUAGE plpgsql
AS $function$
declare
  span constant interval := window_ms * interval '1 millisecond';
  slack constant interval := slack_ms * interval '1 millisecond';
  share float8;
  before float8;
begin
  with others as (
    select s.demand, s.until > moment as contends,
           greatest(case when moment < s.until + span then s.granted else 0 end,
                    case when moment < s.counted_until then s.counted else 0 end) as weight
      from trunkline.limit_shares s where s.limit_key = key and s.instance_id <> holder
  ), demands as (
    select demand from others where contends union all select needed
  ), levels as (
    select (most - coalesce(sum(demand) over (order by demand rows between unbounded preceding and 1 preceding), 0))::float8
           / (count(*) over () - row_number() over (order by demand) + 1) as level
      from demands
  ), sums as (
    select (select max(level) from levels) as level,
           (select greatest(0, most - sum(demand))::float8 / count(*) from demands) as spare,
           (select coalesce(sum(weight), 0) from others) as held
  )
  select greatest(0, least(wanted, least(needed, level) + spare, most - held)) into share from sums;
  before := coalesce((select s.granted from trunkline.limit_shares s
                       where s.limit_key = key and s.instance_id = holder and moment < s.until + span), 0);
  insert into trunkline.limit_shares as s (limit_key, instance_id, granted, demand, until)
  values (key, holder, share, needed, moment + hold_ms * interval '1 millisecond')
  on conflict (limit_key, instance_id) do update
     set granted = excluded.granted, demand = excluded.demand, until = excluded.until,
         counted = case when before <= share then s.counted
                        when moment < s.counted_until then greatest(before, s.counted) else before end,
         counted_until = case when before <= share then s.counted_until else moment + span + slack end;
  return share;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.lease_rates(holder text, keys text[], most integer[], windows_ms integer[], needed integer[], wanted integer[], holds_ms integer[], slack_ms integer)
 RETURNS double precision[]
 LANGUAGE plpgsql
AS $function$
declare
  shares float8[] := '{}';
begin
  perform trunkline.lock_limits(keys);
  for i in 1 .. cardinality(keys) loop
    shares := shares || trunkline.lease_rate(holder, keys[i], most[i], windows_ms[i], needed[i], wanted[i], holds_ms[i],
                                             slack_ms, clock_timestamp());
  end loop;
  return shares;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.lock_limits(keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_advisory_xact_lock(7259, stripe)
     from (select distinct hashtext(key) & 63 as stripe from unnest(keys) as key order by 1) as stripes;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.make_partition(parent text, day date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '40ms'
AS $function$
declare
  name text := parent || '_' || to_char(day, 'YYYY_MM_DD');
  low text := to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00';
  high text := to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
  key text := case parent when 'attempts' then 'settled_at' else 'created_at' end;
begin
  perform trunkline.assert_partitioned(parent);
  if to_regclass(format('trunkline.%I', name)) is not null then
    return false;
  end if;
  -- Several instances start at once: one makes it, the others wait here and then find it. They look into pg_class
  -- itself: to_regclass would answer from a cache that waiting for an advisory lock does not refresh.
  perform pg_advisory_xact_lock(7257, 1);
  if exists (select from pg_class where relname = name and relnamespace = 'trunkline'::regnamespace) then
    return false;
  end if;
  execute format('create table trunkline.%I (like trunkline.%I including defaults including constraints)', name, parent);
  execute format('alter table trunkline.%I add constraint bounds check (%I >= %L and %I < %L)', name, key, low, key, high);
  perform trunkline.identify_rows(parent, name);
  -- What was stored before its day was prepared moves along: a default partition with a row of the day forbids the
  -- attaching, for ever. Attaching takes this lock in any case.
  execute format('lock table trunkline.%I in access exclusive mode', parent || '_default');
  execute format('with moved as (delete from trunkline.%I where %I >= %L and %I < %L returning *) insert into trunkline.%I select * from moved',
                 parent || '_default', key, low, key, high, name);
  execute format('alter table trunkline.%I attach partition trunkline.%I for values from (%L) to (%L)', parent, name, low, high);
  execute format('alter table trunkline.%I drop constraint bounds', name);
  return true;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.mend_sequences()
 RETURNS TABLE(sequence text, was bigint, last_value bigint)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  owned record;
begin
  for owned in
    select format('trunkline.%I', c.relname) as relation, a.attname as col,
           pg_get_serial_sequence(format('trunkline.%I', c.relname), a.attname) as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'trunkline'::regnamespace and a.attidentity <> '' and not a.attisdropped and not c.relispartition
     order by 1, 2
  loop
    sequence := owned.name;
    execute format('select s.last_value - case when s.is_called then 0 else 1 end, (select max(%I) from %s) from %s s',
                   owned.col, owned.relation, owned.name) into was, last_value;
    if last_value > was then
      perform setval(owned.name::regclass, last_value);
      return next;
    end if;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.message_id()
 RETURNS uuid
 LANGUAGE sql
AS $function$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
           substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
           52, 1), 53, 1), 'hex')::uuid
$function$
;

CREATE OR REPLACE FUNCTION trunkline.number_again(channels text[], seqs bigint[], repeats bigint[])
 RETURNS bigint[]
 LANGUAGE sql
AS $function$
  with given as (
    select channels[o] as channel, count(*) as back from unnest(repeats) as o group by 1
  ), lowered as (
    update trunkline.channels c set last_seq = c.last_seq - g.back from given g where c.channel = g.channel
  )
  select array_agg(case when not is_repeat then seq - repeats_before end order by ord)
    from (select i.ord, i.seq, i.ord = any (repeats) as is_repeat,
                 count(*) filter (where i.ord = any (repeats)) over (partition by i.channel order by i.ord) as repeats_before
            from unnest(channels, seqs) with ordinality as i (channel, seq, ord)) as items
$function$
;

CREATE OR REPLACE FUNCTION trunkline.old_partitions(parent text, before date)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
AS $function$
  select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = to_regclass(format('trunkline.%I', parent))
     and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}_[0-9]{2}$')
     and to_date(right(c.relname, 10), 'YYYY_MM_DD') < before
   order by 1
$function$
;

CREATE OR REPLACE FUNCTION trunkline.online_in(channels text[])
 RETURNS TABLE(channel text, user_id text)
 LANGUAGE sql
 STABLE
AS $function$
  select p.channel, p.user_id
    from (select a.channel, trunkline.inbox_user(a.channel) as user_id from unnest(channels) as a (channel)
           where a.channel like 'user:%'
           union all
          select m.channel, m.user_id from trunkline.memberships m where m.channel = any (channels)) as p
   where exists (select from trunkline.connections c join trunkline.instances i on i.instance_id = c.instance_id
                  where c.user_id = p.user_id)
$function$
;

CREATE OR REPLACE FUNCTION trunkline.presence_of(channels text[], max_users integer)
 RETURNS TABLE(channel text, members bigint, online bigint, user_id text, is_online boolean, last_seen_at timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select a.channel, p.members, p.online, p.user_id, p.is_online, trunkline.last_seen(p.user_id)
    from unnest(channels) as a (channel)
   cross join lateral (
         select m.user_id, o.is_online, count(*) over () as members, count(*) filter (where o.is_online) over () as online
           from (select trunkline.inbox_user(a.channel) as user_id where a.channel like 'user:%'
                  union all
                 select s.user_id from trunkline.memberships s where s.channel = a.channel) as m
          cross join lateral (
                select exists (select from trunkline.connections c
                                 join trunkline.instances i on i.instance_id = c.instance_id
                                where c.user_id = m.user_id) as is_online) as o
          order by o.is_online desc, m.user_id collate "C"
          limit max_users) as p
$function$
;

CREATE OR REPLACE FUNCTION trunkline.publish(channel text, type text, data json, options jsonb DEFAULT '{}'::jsonb)
 RETURNS uuid
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select trunkline.publish(channel, type, data::text, options)
$function$
;

CREATE OR REPLACE FUNCTION trunkline.publish(channel text, type text, data jsonb, options jsonb DEFAULT '{}'::jsonb)
 RETURNS uuid
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select trunkline.publish(channel, type, data::text, options)
$function$
;

CREATE OR REPLACE FUNCTION trunkline.publish(channel text, type text, data text, options jsonb DEFAULT '{}'::jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
AS $function$
#variable_conflict use_column
declare
  given text := btrim(data, E' \t\n\r');
  new_id uuid := trunkline.message_id();
  tries integer := 0;
  author text := 'sql:' || session_user;
  due timestamptz := '-infinity';
  unknown text;
  known uuid;
  is_same boolean;
begin
  if not trunkline.is_channel(channel) then
    raise exception 'trunkline 1002: % is not a channel: user:<id>, group:<name> or broadcast', left(channel, 50)
      using errcode = 'invalid_parameter_value';
  elsif type is null or length(type) not between 1 and 100 or type like 'trunkline.%' then
    raise exception 'trunkline 1000: a type has 1 to 100 characters and does not begin with trunkline.'
      using errcode = 'invalid_parameter_value';
  elsif jsonb_typeof(options) is distinct from 'object' then
    raise exception 'trunkline 1000: options is not an object' using errcode = 'invalid_parameter_value';
  end if;

  perform trunkline.check_body(given);
  -- An option that is null counts as left out.
  select string_agg(key, ', ') into unknown from jsonb_object_keys(options) as key
   where key not in ('metadata', 'ttlMs', 'publishId', 'sendAt', 'collapseKey', 'deliverTo', 'exceptUser');
  if unknown is not null then
    raise exception 'trunkline 1008: unknown options: %', left(unknown, 200) using errcode = 'invalid_parameter_value';
  elsif options ->> 'ttlMs' is not null and not options @?
      'strict $.ttlMs ? (@.type() == "number" && @ >= 1 && @ <= 31536000000 && @ == @.floor())' then
    raise exception 'trunkline 1007: ttlMs is not a whole number from 1 to 31536000000'
      using errcode = 'invalid_parameter_value';
  elsif length(options ->> 'publishId') not between 1 and 100 or length(options ->> 'collapseKey') not between 1 and 100 then
    raise exception 'trunkline 1000: publishId and collapseKey have 1 to 100 characters' using errcode = 'invalid_parameter_value';
  elsif options ->> 'deliverTo' not in ('all-devices', 'first-device') then
    raise exception 'trunkline 1000: deliverTo is all-devices or first-device' using errcode = 'invalid_parameter_value';
  elsif options ->> 'exceptUser' is not null and not trunkline.is_channel(trunkline.inbox(options ->> 'exceptUser')) then
    raise exception 'trunkline 1000: exceptUser is not a user' using errcode = 'invalid_parameter_value';
  elsif options ->> 'metadata' is not null and (
      jsonb_typeof(options -> 'metadata') <> 'object'
      or (select count(*) > 20 or bool_or(not m.value @? 'strict $ ? (@.type() == "string")' or length(m.key) not between 1 and 100
                                           or length(m.value #>> '{}') > 1000)
            from jsonb_each(case jsonb_typeof(options -> 'metadata') when 'object' then options -> 'metadata' end) as m)) then
    raise exception 'trunkline 1000: metadata is an object of at most 20 strings, each of at most 1000 characters'
      using errcode = 'invalid_parameter_value';
  end if;
  if options ->> 'sendAt' is not null then
    begin
      due := (options ->> 'sendAt')::timestamptz;
    exception when data_exception then
      due := 'infinity';
    end;
    if not isfinite(due) then
      raise exception 'trunkline 1000: sendAt is not a time' using errcode = 'invalid_parameter_value';
    elsif due > trunkline.latest_due() then
      raise exception 'trunkline 1000: sendAt is more than a year ahead' using errcode = 'invalid_parameter_value';
    end if;
  end if;

  -- Each turn sees what was committed until then: a publish id that another transaction takes meanwhile is found next.
  loop
    select p.message_id, m.body is null or (m.type = publish.type and trunkline.is_same_json(m.body, given))
      into known, is_same
      from trunkline.publish_ids p
      left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
     where p.channel = publish.channel and p.publish_id = options ->> 'publishId' and p.publisher = author
     union all
    select o.message_id, o.type = publish.type and trunkline.is_same_json(o.body, given)
      from trunkline.outbox o
     where o.channel = publish.channel and o.publish_id = options ->> 'publishId' and o.publisher = author
     limit 1;
    if not is_same then
      raise exception 'trunkline 1013: publishId was used before for this channel with another body'
        using errcode = 'unique_violation';
    elsif known is not null then
      return known;
    end if;

    insert into trunkline.outbox as o (due_at, message_id, channel, publisher, type, body, metadata, controls, ttl_ms, publish_id)
    values (due, new_id, publish.channel, author, publish.type, given, options ->> 'metadata',
            nullif(jsonb_strip_nulls(jsonb_build_object('collapseKey', options ->> 'collapseKey',
              'deliverTo', nullif(options ->> 'deliverTo', 'all-devices'), 'exceptUser', options ->> 'exceptUser')), '{}')::text,
            (options ->> 'ttlMs')::numeric::bigint, options ->> 'publishId')
    on conflict do nothing;
    if found then
      return new_id;
    end if;
    -- Neither the publish id nor another transaction: the sequence of the table gives out numbers that are taken.
    tries := tries + 1;
    if tries > 1 then
      perform trunkline.mend_sequences();
    end if;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.raise_seqs(relation regclass, seq_column text, time_column text)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  raised bigint;
begin
  execute format($q$
    insert into trunkline.channels as c (channel, last_seq, last_at)
    select channel, max(%I), coalesce(max(%s), '-infinity') from %s group by channel having max(%I) > 0 order by channel collate "C"
    on conflict (channel) do update
      set last_seq = greatest(c.last_seq, excluded.last_seq), last_at = greatest(c.last_at, excluded.last_at)
      where c.last_seq < excluded.last_seq or c.last_at < excluded.last_at
  $q$, seq_column, coalesce(quote_ident(time_column), 'null::timestamptz'), relation, seq_column);
  get diagnostics raised = row_count;
  return raised;
end $function$
;

CREATE OR REPLACE FUNCTION trunkline.receipt_user(type text, body text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when type = 'trunkline.receipt' then body::jsonb ->> 'user' end
$function$
;

CREATE OR REPLACE FUNCTION trunkline.service_ago(span interval)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce((select hour from trunkline.service_hours order by hour desc
                    offset ceil(extract(epoch from span) / 3600)::bigint limit 1), '-infinity')
$function$
;

comment on table trunkline.admin_audit is 'Who changed what through the admin REST. A row is written before the change and gets its result afterwards: one without a result was cut short.';
comment on table trunkline.attempts is 'What was sent to which device, as ranges of at most 10,000 messages, and how it ended.';
comment on table trunkline.bans is 'Users who are kept out, whatever token they show.';
comment on column trunkline.bans.reason is 'For operators; the user is not told.';
comment on table trunkline.channels is 'One row per channel. Its lock puts the appends to the channel in order.';
comment on column trunkline.channels.last_at is 'The time of the newest message. It never decreases along seq, even if the clock steps back, because readers choose their partitions by it.';
comment on column trunkline.channels.epoch is 'Of an inbox: counts the changes of its user''s group memberships, so that a reader of the inbox notices them.';
comment on table trunkline.claims is 'Which device took a message that is for the first device of its user.';
comment on table trunkline.connections is 'The connections of clients, each on one instance. A user is online while one of them is on an instance that is alive.';
comment on table trunkline.cursors is 'How far each device has come in each channel. Cursors are cumulative: everything up to delivered_seq is settled.';
comment on column trunkline.cursors.started_seq is 'Where this device began. What came before was never meant for it.';
comment on column trunkline.cursors.failed_attempts is 'Failed attempts at the message behind delivered_seq, on any connection.';
comment on table trunkline.dead_letters is 'Messages that were given up for a device after too many attempts.';
comment on column trunkline.dead_letters.purged_at is 'When it was taken off the list. Its row stays until its message is gone, because the message, which the cursor of the device has passed, would otherwise look delivered.';
comment on table trunkline.devices is 'The devices of users. Each receives every message of its user''s channels once.';
comment on table trunkline.instance_orders is 'What operators order instances to do. Each instance takes its rows out.';
comment on column trunkline.instance_orders.connection_id is 'The connection to close; empty for other kinds.';
comment on table trunkline.instances is 'The instances that are alive.';
comment on column trunkline.instances.started_at is 'The start of the process, also after the instance has been written in again.';
comment on column trunkline.instances.lock_key is 'The key of the advisory lock that its dedicated session holds; null while it holds none.';
comment on column trunkline.instances.incarnation is 'Tells two processes apart that had the same id one after the other.';
comment on column trunkline.instances.enrolled_at is 'Since when it stands here, in a registry that a crash of PostgreSQL may have emptied.';
comment on table trunkline.job_runs is 'The runs of cleanup jobs, on any instance.';
comment on table trunkline.limit_shares is 'What each instance holds of the limits that count for all instances together.';
comment on column trunkline.limit_shares.granted is 'How many the instance may take in a window, or how many places.';
comment on column trunkline.limit_shares.demand is 'How many it needs.';
comment on column trunkline.limit_shares.until is 'When a share of a rate ends; null for places, which are held for as long as the instance is registered.';
comment on column trunkline.limit_shares.counted is 'What was granted before a share shrank: what was taken by then is in the window until counted_until.';
comment on table trunkline.memberships is 'The members of groups. A member receives what stands behind joined_seq.';
comment on table trunkline.messages is 'The messages, in a partition for each day (UTC) of created_at.';
comment on column trunkline.messages.body is 'JSON text. A message that expired or was cancelled loses body and metadata a minute later and keeps its row until retention, so that what became of it can be told.';
comment on column trunkline.messages.controls is 'collapseKey and whose it is (collapseBy), exceptUser, exceptDevice, exceptConnection, deliverTo, receipts, cancelled. Null for almost every message.';
comment on table trunkline.outbox is 'Messages that wait to be moved into the log: those published from SQL, and scheduled ones until their time.';
comment on column trunkline.outbox.error is 'Why it could not be moved. Such a row is not tried again.';
comment on table trunkline.past_memberships is 'Memberships that have ended: the user was to receive what stands behind joined_seq up to left_seq.';
comment on table trunkline.publish_ids is 'The publish ids that make a repeated publish harmless. Written under the lock of the channel''s row.';
comment on table trunkline.receipts is 'How far each reader of a channel has been reported to each author. Receipts are cumulative.';
comment on column trunkline.receipts.user_id is 'The user who has received or read.';
comment on column trunkline.receipts.updated_on is 'A day, because an index on a time would make every update write to every index.';
comment on table trunkline.registry_origin is 'One row, which is emptied together with the registry. An instance whose row is missing was given up by its peers if the origin is the one it knows; if it is another, PostgreSQL crashed, and the instance only writes itself in again.';
comment on table trunkline.revocations is 'Users whose sessions were all revoked: tokens issued to them up to refused_until are refused.';
comment on table trunkline.routes is 'Which instances have subscribers of a channel, and want to hear of its new messages; under `presence:` and a channel, which have watchers of it.';
comment on table trunkline.service_hours is 'The hours in which a cleanup job ran, and so an instance: 8,760 rows a year. Absence of users is counted in them, because nobody can come while the service is off.';
comment on table trunkline.session_tokens is 'The tokens without a sid that the session of a device was shown, and those of erased sessions. When that session is ended each of them is refused, on every device: nothing else tells a token that was logged out from the next login of the same second.';
comment on column trunkline.session_tokens.token_id is 'A digest of what is signed; `sid:` and the session for the tokens of an erased session that named it.';
comment on column trunkline.session_tokens.refused_at is 'Since when it is refused; null while it is good.';
comment on table trunkline.sessions is 'Logins of users on devices, across connections and instances.';
comment on column trunkline.sessions.session_id is 'The sid of its tokens, or device:<id> for tokens without one.';
comment on column trunkline.sessions.last_activity_at is 'The newest connect or disconnect. What happens in between is in connections.last_heartbeat, which costs no WAL.';
comment on column trunkline.sessions.issued_at is 'When the newest of its tokens was issued.';
comment on column trunkline.sessions.expires_at is 'When the newest of its tokens expires.';
comment on column trunkline.sessions.connections is 'How many connections it has had. Instance, address and user agent are those of the newest.';
comment on column trunkline.sessions.ended_at is 'Its last end.';
comment on column trunkline.sessions.end_reason is 'Why it ended; null while it goes on. A session without a sid may begin again.';
comment on column trunkline.sessions.refused_until is 'Tokens issued until then are refused: those in use at a logout or revocation, or every one with its sid.';
comment on table trunkline.suspects is 'Which addresses were seen doing what honest clients do not, counted over all instances, for operators who look now.';
comment on column trunkline.suspects.address is 'As instances see it; of an IPv6 address the first 64 bits.';
comment on view trunkline.delivery_status is 'One row per message and device it is for; device_id is null if the user had none before the message ended, or has none yet. Ask it by message_id, or by channel and seq.';
comment on column trunkline.delivery_status.status is 'queued, sent, delivered, read, expired, cancelled, collapsed, left or dead.';
comment on view trunkline.online_users is 'One row per user who is online, with the number of connections and the time since when.';
comment on view trunkline.presence is 'One row per device: whether it is online, on how many connections, and its last sign of life. Ask it by user_id.';
comment on view trunkline.undelivered is 'What somebody is still to receive: the rows of delivery_status that are queued or sent.';
comment on function trunkline.append(channels text[], ids uuid[], publishers text[], senders text[], types text[], bodies text[], metadatas text[], controls text[], ttls_ms bigint[], publish_ids text[], dedupe_window interval, OUT stored_ids uuid[], OUT seqs bigint[], OUT times timestamp with time zone[], OUT outcomes text[], OUT present timestamp with time zone) is 'Appends a batch of messages to their channels; the one way a message gets into the log.';
comment on function trunkline.assert_partitioned(parent text) is 'Raises an error unless a table has daily partitions. What is done with the rights of the owner is done to these tables only, whoever asks.';
comment on function trunkline.channels_of(users text[]) is 'The channels in which users are present: their inboxes and their groups.';
comment on function trunkline.check_body(body text) is 'Raises what is wrong with the JSON text of a body: the limits and numbers of libs/protocol/src/body.ts.';
comment on function trunkline.decode_user(encoded text) is 'The user id behind its form in the name of an inbox.';
comment on function trunkline.drain_outbox(max_rows integer, dedupe_window interval, user_ttl_ms bigint, group_ttl_ms bigint, broadcast_ttl_ms bigint) is 'Moves up to max_rows committed, due rows in their order into the log; one caller at a time, the others get nothing.';
comment on function trunkline.drop_partition(parent text, name text) is 'Drops one daily partition; false if there is none of that name.';
comment on function trunkline.encode_user(user_id text) is 'A user id as it stands in the name of an inbox.';
comment on function trunkline.erasable() is 'The tables that hold something of users, and how many pages each has.';
comment on function trunkline.erase_from(name text, first_page bigint, page_count bigint, user_id text, keeps_sent boolean) is 'Erases a user from some pages of a table; returns how many rows it changed.';
comment on function trunkline.erase_inbox(user_id text) is 'Ends the inbox of an erased user, with what was reported to it.';
comment on function trunkline.exceeds_double(number text) is 'Tells whether a number of JSON is beyond what a double holds. One that is too small for a double becomes 0 in every reader, and is not.';
comment on function trunkline.except_no_longer(user_id text, controls jsonb) is 'The controls of a message without what names a user; others that it was not for stay in them.';
comment on function trunkline.fail_attempts(users text[], devices text[], channels text[], from_seqs bigint[], errors text[], max_attempts integer) is 'Counts failed attempts at the message behind each cursor. A message that failed max_attempts times in all is given up for that device: it is written to dead_letters, and the cursor passes it. 0 never gives up.';
comment on function trunkline.find_repeats(channels text[], publishers text[], publish_ids text[], dedupe_window interval) is 'The places of the items whose publish id was stored before, or stands earlier in the batch.';
comment on function trunkline.forget_shares() is 'Removes shares that count no more; returns how many.';
comment on function trunkline.has_undelivered(name text) is 'Tells whether some device is still to receive an unexpired message of this partition of messages.';
comment on function trunkline.identify_rows(parent text, name text) is 'Gives a partition its primary key, or its replica identity, without which PostgreSQL refuses UPDATE and DELETE as soon as somebody publishes the table for logical replication.';
comment on function trunkline.inbox_user(channel text) is 'The user whose inbox a channel user:<id> is; null of what is no inbox.';
comment on function trunkline.inbox(user_id text) is 'The channel that is the inbox of a user.';
comment on function trunkline.is_change_of(user_id text, action text, target text, details jsonb, result text) is 'Tells whether an entry of the audit is about a user.';
comment on function trunkline.is_channel(channel text) is 'Tells whether a text is the name of a channel: user:<id>, group:<name> or broadcast.';
comment on function trunkline.is_same_json(a text, b text) is 'Tells whether two texts hold the same JSON value; called for the one repeat in thousands where they differ as texts.';
comment on function trunkline.last_seen(user_id text) is 'The last sign of life of a user that was written; null if there never was one.';
comment on function trunkline.latest_due() is 'Until when a message may be scheduled: a year, also a leap year.';
comment on function trunkline.lease_place(holder text, key text, most integer, used integer, needed integer, spare integer, sharers integer) is 'The places of one instance: what it needs as far as there is any, and a part of what is free then to have at hand. Null if the instance has just written down what it held before a crash of PostgreSQL.';
comment on function trunkline.lease_places(holder text, keys text[], most integer[], used integer[], needed integer[], spare integer[], sharers integer) is 'Many places in one statement, in the places of their keys.';
comment on function trunkline.lease_rate(holder text, key text, most integer, window_ms integer, needed integer, wanted integer, hold_ms integer, slack_ms integer, moment timestamp with time zone) is 'The share of one instance of a rate, at a given time: how many it may take in any window until the share ends.';
comment on function trunkline.lease_rates(holder text, keys text[], most integer[], windows_ms integer[], needed integer[], wanted integer[], holds_ms integer[], slack_ms integer) is 'Many shares of rates in one statement, in the places of their keys.';
comment on function trunkline.lock_limits(keys text[]) is 'Makes leases of one key follow one after the other, until the end of the transaction.';
comment on function trunkline.make_partition(parent text, day date) is 'Makes the partition of one day (UTC) of a table; true if it was missing.';
comment on function trunkline.mend_sequences() is 'Brings the sequences of identity columns, which logical replication does not copy, to the end of their tables. Returns those that were behind.';
comment on function trunkline.message_id() is 'A new time-ordered id (UUID version 7); PostgreSQL has a function of its own only from 18 on.';
comment on function trunkline.number_again(channels text[], seqs bigint[], repeats bigint[]) is 'Gives the numbers of the repeats back: the other items of their channels move up, and last_seq goes down with them.';
comment on function trunkline.old_partitions(parent text, before date) is 'The daily partitions that end before the given day, oldest first.';
comment on function trunkline.online_in(channels text[]) is 'The users of channels who are online: the user of an inbox, the members of a group.';
comment on function trunkline.presence_of(channels text[], max_users integer) is 'The presence of the user of an inbox or of the members of a group: at most max_users of each channel, those online first.';
comment on function trunkline.publish(channel text, type text, data json, options jsonb) is 'Publishes a message in the transaction of the caller, as publish with text does.';
comment on function trunkline.publish(channel text, type text, data jsonb, options jsonb) is 'Publishes a message in the transaction of the caller. jsonb has dropped repeated keys by then, has an order of keys of its own, and knows numbers by their value.';
comment on function trunkline.publish(channel text, type text, data text, options jsonb) is 'Publishes a message in the transaction of the caller: rolled back with it, delivered after its commit. The JSON in data reaches every reader as it is written. The limits are the defaults of the server. Returns the id of the message.';
comment on function trunkline.raise_seqs(relation regclass, seq_column text, time_column text) is 'Raises the numbers of channels, and their times, that are behind the rows of one table. Returns how many were.';
comment on function trunkline.receipt_user(type text, body text) is 'The user who received the message that a receipt is about; null for any other message.';
comment on function trunkline.service_ago(span interval) is 'The moment since which the service has run for so long, in whole hours; -infinity if it has not run that long yet.';
