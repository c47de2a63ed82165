import { statement } from '#database';

export interface JobRunsRow {
  at: Date;
  runs: number;
  failures: number;
}

/**
 * Runs that ended from $1 to $2 in steps of $3 seconds, without the steps in which none did. Reads the whole table, which
 * keeps 1,000 runs of each job.
 */
export const COUNT_RUNS = statement<JobRunsRow>(
  'count_runs',
  'work',
  `select date_bin(make_interval(secs => $3), finished_at, 'epoch') as at, count(*) as runs, count(error) as failures
     from trunkline.job_runs
    where finished_at >= date_bin(make_interval(secs => $3), $1::timestamptz, 'epoch') and finished_at < $2
    group by 1`,
);
