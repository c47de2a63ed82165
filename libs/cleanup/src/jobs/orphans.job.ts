import { Peers } from '#connection-manager';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';

@CleanupJob({
  name: 'orphans',
  does: 'removes connections and routes of instances that are not registered',
  cron: (crons) => crons.orphans,
})
export class OrphansJob implements JobWork {
  constructor(private readonly peers: Peers) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return { rows: await this.peers.removeOrphans(isDryRun) };
  }
}
