-- Operations: the runs of cleanup jobs, the time in which the service ran, the audit of operators, and mending after a
-- restore.

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
comment on table trunkline.job_runs is 'The runs of cleanup jobs, on any instance.';
create index job_runs_finished_at_idx on trunkline.job_runs (job, finished_at desc);

create table trunkline.service_hours (
  hour timestamptz constraint service_hours_pkey primary key
);
comment on table trunkline.service_hours is
  'The hours in which a cleanup job ran, and so an instance: 8,760 rows a year. Absence of users is counted in them, '
  'because nobody can come while the service is off.';

-- Reads the index of the hours. In a WHERE it stands in a subquery, so that it is asked once and not for every row.
create function trunkline.service_ago(span interval) returns timestamptz language sql stable as $$
  select coalesce((select hour from trunkline.service_hours order by hour desc
                    offset ceil(extract(epoch from span) / 3600)::bigint limit 1), '-infinity')
$$;
comment on function trunkline.service_ago is
  'The moment since which the service has run for so long, in whole hours; -infinity if it has not run that long yet.';

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
comment on table trunkline.admin_audit is
  'Who changed what through the admin REST. A row is written before the change and gets its result afterwards: one '
  'without a result was cut short.';
create index admin_audit_at_idx on trunkline.admin_audit (at);

create function trunkline.mend_sequences() returns table (sequence text, was bigint, last_value bigint)
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
end $$;
comment on function trunkline.mend_sequences is
  'Brings the sequences of identity columns, which logical replication does not copy, to the end of their tables. '
  'Returns those that were behind.';

-- Locks the channels in their order, as appending does. It reads the whole table, so it is called for one partition at a
-- time.
create function trunkline.raise_seqs(relation regclass, seq_column text, time_column text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
end $$;
comment on function trunkline.raise_seqs is
  'Raises the numbers of channels, and their times, that are behind the rows of one table. Returns how many were.';

revoke execute on function trunkline.mend_sequences(), trunkline.raise_seqs(regclass, text, text) from public;
