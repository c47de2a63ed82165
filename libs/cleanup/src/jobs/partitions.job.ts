import { Retention } from '#message-persistence';
import { CleanupJob } from '../cleanup-job.js';
import { inSteps } from '../in-steps.js';
import type { JobReport, JobWork } from '../job.js';
import { toReport } from './dropped-report.js';

/** Partitions are made days before they are needed, so a run may fail, and so may the next ones. */
@CleanupJob({
  name: 'partitions',
  does: 'makes the partitions of the days ahead, drops those past retention that are delivered',
  cron: (crons) => crons.partitions,
})
export class PartitionsJob implements JobWork {
  constructor(private readonly retention: Retention) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      () => this.make(isDryRun),
      async () => toReport(await this.retention.dropPartitions('messages', isDryRun)),
      async () => toReport(await this.retention.dropPartitions('attempts', isDryRun)),
    );
  }

  private async make(isDryRun: boolean): Promise<JobReport> {
    if (isDryRun) return { rows: 0 };
    const { made, kept, failed } = await this.retention.makePartitions();
    if (failed.length > 0) throw new Error(failed.join('; '));
    return { rows: made, notes: [...(made > 0 ? [`${made} made`] : []), ...kept.map((name) => `not made ${name}`)] };
  }
}
