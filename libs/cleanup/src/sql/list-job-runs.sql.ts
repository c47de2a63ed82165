import { statement } from '#database';

export interface JobRunRow {
  run_id: number;
  instance_id: string;
  started_at: Date;
  finished_at: Date;
  rows: number;
  error: string | null;
}

/** Returns runs of job $1 before run $2, the newest first, at most $3; by the primary key. */
export const LIST_RUNS = statement<JobRunRow>(
  'list_runs',
  'work',
  `select run_id, instance_id, started_at, finished_at, rows, error
     from trunkline.job_runs where job = $1 and run_id < $2 order by run_id desc limit $3`,
);
