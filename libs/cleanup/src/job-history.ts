import { Injectable } from '@nestjs/common';
import { Database, deleteInBatches } from '#database';
import { COUNT_RUNS, type JobRunsRow } from './sql/count-job-runs.sql.js';
import { FORGET_RUNS, LAST_RUN, LAST_RUNS, LAST_SUCCESSES, RECORD_RUN, type LastRunRow } from './sql/job-runs.sql.js';
import { LIST_RUNS, type JobRunRow } from './sql/list-job-runs.sql.js';

const RUNS_AT_ONCE = 1_000;

export interface JobRun {
  readonly job: string;
  readonly instanceId: string;
  readonly durationMs: number;
  readonly rows: number;
  readonly error: string | null;
}

/** Records what each cleanup job did and when, on whichever instance it ran. */
@Injectable()
export class JobHistory {
  constructor(private readonly database: Database) {}

  async record({ job, instanceId, durationMs, rows, error }: JobRun): Promise<void> {
    await this.database.rows(RECORD_RUN, [job, instanceId, durationMs, rows, error]);
  }

  /** Returns the milliseconds since the last run of the job began; undefined means that there was none. */
  async lastRunAgeMs(job: string): Promise<number | undefined> {
    const [row] = await this.database.rows(LAST_RUN, [job]);
    return row?.age_ms;
  }

  /** Returns the milliseconds since each of these jobs last ended without an error; undefined means never. */
  async agesMs(jobs: readonly string[]): Promise<Map<string, number | undefined>> {
    const rows = await this.database.rows(LAST_SUCCESSES, [jobs]);
    return new Map(rows.map(({ job, age_ms }) => [job, age_ms ?? undefined]));
  }

  /** Returns the newest run of each job, whether it failed or not. */
  lastRuns(): Promise<LastRunRow[]> {
    return this.database.rows(LAST_RUNS);
  }

  /** Returns runs of one job, the newest first. @param before the page begins before this run */
  runs(job: string, before: number, limit: number): Promise<JobRunRow[]> {
    return this.database.rows(LIST_RUNS, [job, before, limit]);
  }

  /** Runs that ended in that time, by steps; a step in which none did is left out. */
  count(from: Date, to: Date, stepS: number): Promise<JobRunsRow[]> {
    return this.database.rows(COUNT_RUNS, [from, to, stepS]);
  }

  /** Removes all but the newest 1,000 runs of each job. @returns how many were removed */
  forget(isDryRun: boolean): Promise<number> {
    return deleteInBatches(this.database, FORGET_RUNS, [RUNS_AT_ONCE], { atOnce: RUNS_AT_ONCE, isDryRun });
  }
}
