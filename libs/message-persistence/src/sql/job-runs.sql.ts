import { statement } from '#database';

/** One line in the jobs' diary. */
export const RECORD_RUN = statement<never>(
  'record_run',
  `insert into trunkline.job_runs (job, instance_id, started_at, rows, error)
   values ($1, $2, clock_timestamp() - $3 * interval '1 millisecond', $4, $5)`,
);

/** Keeps the newest 1,000 runs of a job. */
export const FORGET_RUNS = statement<never>(
  'forget_runs',
  `delete from trunkline.job_runs where job = $1 and run_id < (
     select run_id from trunkline.job_runs where job = $1 order by run_id desc offset 1000 limit 1)`,
);

export interface LastRunRow {
  job: string;
  finished_at: Date;
  age_ms: number;
  error: string | null;
}

export const LAST_RUNS = statement<LastRunRow>(
  'last_runs',
  `select distinct on (job) job, finished_at, error,
          extract(epoch from clock_timestamp() - finished_at)::float8 * 1000 as age_ms
     from trunkline.job_runs order by job, finished_at desc`,
);
