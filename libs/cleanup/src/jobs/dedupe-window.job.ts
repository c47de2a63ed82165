import { Retention } from '#message-persistence';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';
import { toReport } from './dropped-report.js';

@CleanupJob({
  name: 'dedupe-window',
  does: 'drops the partitions of publish ids that are past the dedupe window',
  cron: (crons) => crons.dedupeWindow,
})
export class DedupeWindowJob implements JobWork {
  constructor(private readonly retention: Retention) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return toReport(await this.retention.dropPartitions('publish_ids', isDryRun));
  }
}
