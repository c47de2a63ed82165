import type { JobDiary } from '#message-persistence';
import type { Job, JobReport } from '../job.js';

export class JobRunsJob implements Job {
  readonly name = 'job-runs';
  readonly does = 'keeps the newest 1,000 runs of each job in job_runs';

  constructor(
    readonly cron: string,
    private readonly diary: JobDiary,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return { rows: await this.diary.forget(isDryRun) };
  }
}
