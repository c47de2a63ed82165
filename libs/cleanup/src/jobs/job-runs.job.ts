import type { SuspectList } from '#limits';
import type { AdminAudit, JobDiary } from '#message-persistence';
import { counting, inSteps } from '../in-steps.js';
import type { Job, JobReport } from '../job.js';

export class JobRunsJob implements Job {
  readonly name = 'job-runs';
  readonly does =
    'keeps the newest 1,000 runs of each job, what operators did for ADMIN_AUDIT_DAYS, and suspects for a day';

  constructor(
    readonly cron: string,
    private readonly diary: JobDiary,
    private readonly audit: Pick<AdminAudit, 'forget'>,
    private readonly suspects: Pick<SuspectList, 'forget'>,
  ) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      counting('runs', () => this.diary.forget(isDryRun)),
      counting('changes', () => this.audit.forget(isDryRun)),
      counting('suspects', () => this.suspects.forget(isDryRun)),
    );
  }
}
