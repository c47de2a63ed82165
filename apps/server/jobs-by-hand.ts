import { AdminJobs, type JobResult, type JobView } from '#admin';
import type { JobRunner, Jobs } from '#cleanup';

/** Lets operators list and run the cleanup jobs. */
export class JobsByHand extends AdminJobs {
  constructor(
    private readonly jobs: Jobs,
    private readonly runner: JobRunner,
  ) {
    super();
  }

  list(): readonly JobView[] {
    return this.jobs.list;
  }

  async run(name: string, isDryRun: boolean): Promise<JobResult | undefined> {
    const job = this.jobs.list.find((one) => one.name === name);
    if (!job) return undefined;
    const { isMine, rows, notes = [], error } = await this.runner.run(job, { isDryRun });
    return { ran: isMine, rows, notes, error: error?.message.slice(0, 500) ?? null };
  }
}
