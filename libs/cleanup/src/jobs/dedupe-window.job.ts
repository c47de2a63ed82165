import type { Retention } from '#message-persistence';
import type { Job, JobReport } from '../job.js';
import { toReport } from './dropped-report.js';

export class DedupeWindowJob implements Job {
  readonly name = 'dedupe-window';
  readonly does = 'drops the partitions of publish ids that are past the dedupe window';

  constructor(
    readonly cron: string,
    private readonly retention: Retention,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return toReport(await this.retention.dropPartitions('publish_ids', isDryRun));
  }
}
