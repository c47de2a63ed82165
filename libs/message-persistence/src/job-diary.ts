import type { Database } from '#database';
import { FORGET_RUNS, LAST_RUNS, RECORD_RUN, type LastRunRow } from './sql/job-runs.sql.js';

export interface JobRun {
  readonly job: string;
  readonly instanceId: string;
  readonly durationMs: number;
  readonly rows: number;
  readonly error: string | null;
}

/** What the cleanup jobs did and when, on whichever instance. */
export class JobDiary {
  constructor(private readonly database: Database) {}

  async record({ job, instanceId, durationMs, rows, error }: JobRun): Promise<void> {
    await this.database.rows('work', RECORD_RUN, [job, instanceId, durationMs, rows, error]);
    await this.database.rows('work', FORGET_RUNS, [job]);
  }

  /** The newest run of each job. */
  lastRuns(): Promise<LastRunRow[]> {
    return this.database.rows('health', LAST_RUNS);
  }
}
