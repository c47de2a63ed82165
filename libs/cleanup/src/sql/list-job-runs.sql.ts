import { statement } from '#database';

export interface JobRunRow {
  run_id: number;
  instance_id: string;
  started_at: Date;
  finished_at: Date;
  rows: number;
  error: string | null;
}

/** Runs of job $1, newest first, before run $2, at most $3; by the primary key. */
export const LIST_RUNS = statement<JobRunRow>(
  'list_runs',
  `select run_id, instance_id, started_at, finished_at, rows, error
     from trunkline.job_runs where job = $1 and run_id < $2 order by run_id desc limit $3`,
);
