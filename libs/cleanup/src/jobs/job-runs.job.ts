import { SuspectList } from '#limits';
import { CleanupJob } from '../cleanup-job.js';
import { counting, inSteps } from '../in-steps.js';
import { JobHistory } from '../job-history.js';
import type { JobReport, JobWork } from '../job.js';

@CleanupJob({
  name: 'job-runs',
  does: 'keeps the newest 1,000 runs of each job, and suspects for a day',
  cron: (crons) => crons.jobRuns,
})
export class JobRunsJob implements JobWork {
  constructor(
    private readonly history: JobHistory,
    private readonly suspects: SuspectList,
  ) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      counting('runs', () => this.history.forget(isDryRun)),
      counting('suspects', () => this.suspects.forget(isDryRun)),
    );
  }
}
