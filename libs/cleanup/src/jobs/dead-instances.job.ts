import { Peers } from '#connection-manager';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';

/**
 * Every instance runs this job for itself, because it has to see a peer dead for a while before it believes it; the
 * removal is one statement, which one of them does. A run that finds nobody only reads and is not recorded, so an idle
 * cluster writes nothing for it.
 */
@CleanupJob({
  name: 'dead-instances',
  does: 'removes what instances that died left in the registry',
  cron: (crons) => crons.deadInstances,
  isForEachInstance: true,
})
export class DeadInstancesJob implements JobWork {
  constructor(private readonly peers: Peers) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const ids = await (isDryRun ? this.peers.findDead() : this.peers.removeDead());
    return { rows: ids.length, notes: ids };
  }
}
