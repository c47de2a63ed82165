import { statement } from '#database';

/** Adds a run to the jobs' history, and notes that the service ran in this hour: absence is counted in such hours. */
export const RECORD_RUN = statement<never>(
  'record_run',
  'jobs',
  `with hour as (
     insert into trunkline.service_hours (hour) values (date_trunc('hour', clock_timestamp(), 'UTC')) on conflict do nothing
   )
   insert into trunkline.job_runs (job, instance_id, started_at, rows, error)
   values ($1, $2, clock_timestamp() - $3 * interval '1 millisecond', $4, $5)`,
);

/** Deletes all but the newest 1,000 runs of each job, at most $1 at once. */
export const FORGET_RUNS = statement<never>(
  'forget_runs',
  'jobs',
  `delete from trunkline.job_runs where (job, run_id) in (
     select job, run_id from (
       select job, run_id, row_number() over (partition by job order by run_id desc) as place from trunkline.job_runs) as r
      where place > 1000 limit $1)
   returning 1`,
);

export const LAST_RUN = statement<{ age_ms: number }>(
  'last_run',
  'jobs',
  `select extract(epoch from clock_timestamp() - started_at)::float8 * 1000 as age_ms
     from trunkline.job_runs where job = $1 order by run_id desc limit 1`,
);

/**
 * Returns how long ago each of the jobs $1 last succeeded: one probe of job_runs_finished_at_idx for each job, and one
 * more for each run that failed since.
 */
export const LAST_SUCCESSES = statement<{ job: string; age_ms: number | null }>(
  'last_successes',
  'health',
  `select w.job, extract(epoch from clock_timestamp() - r.finished_at)::float8 * 1000 as age_ms
     from unnest($1::text[]) as w (job)
     left join lateral (
          select finished_at from trunkline.job_runs
           where job = w.job and error is null order by finished_at desc limit 1) as r on true`,
);

export interface LastRunRow {
  job: string;
  finished_at: Date;
  error: string | null;
}

/** Returns the newest run of each job. */
export const LAST_RUNS = statement<LastRunRow>(
  'last_runs',
  'work',
  `select distinct on (job) job, finished_at, error from trunkline.job_runs order by job, finished_at desc`,
);
