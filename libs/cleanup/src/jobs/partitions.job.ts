import type { Retention } from '#message-persistence';
import type { Job, JobReport } from '../job.js';
import { toReport } from './dropped-report.js';

/** Days ahead are made long before they are needed, so a run may fail, and so may the next ones. */
export class PartitionsJob implements Job {
  readonly name = 'partitions';
  readonly does = 'makes the partitions of the days ahead, drops those past retention that are delivered';

  constructor(
    readonly cron: string,
    private readonly retention: Retention,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const made = isDryRun ? 0 : await this.retention.makePartitions();
    const messages = await this.retention.dropPartitions('messages', isDryRun);
    const attempts = await this.retention.dropPartitions('attempts', isDryRun);
    const { rows, notes } = toReport(messages, attempts);
    return { rows: made + rows, notes: [...(made > 0 ? [`${made} made`] : []), ...notes] };
  }
}
