import type { AdminAudit, JobDiary } from '#message-persistence';
import type { Job, JobReport } from '../job.js';

export class JobRunsJob implements Job {
  readonly name = 'job-runs';
  readonly does = 'keeps the newest 1,000 runs of each job, and what operators did for ADMIN_AUDIT_DAYS';

  constructor(
    readonly cron: string,
    private readonly diary: JobDiary,
    private readonly audit: Pick<AdminAudit, 'forget'>,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const runs = await this.diary.forget(isDryRun);
    const changes = await this.audit.forget(isDryRun);
    return { rows: runs + changes, notes: [`${runs} runs, ${changes} changes`] };
  }
}
