import type { Peers } from '#connection-manager';
import type { Job, JobReport } from '../job.js';

export class OrphansJob implements Job {
  readonly name = 'orphans';
  readonly does = 'removes connections and routes of instances that are not registered';

  constructor(
    readonly cron: string,
    private readonly peers: Peers,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return { rows: await this.peers.removeOrphans(isDryRun) };
  }
}
