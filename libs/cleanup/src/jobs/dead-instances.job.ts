import { Peers } from '#connection-manager';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';

/**
 * Every instance looks for itself, since it has to see a peer dead for a while before it believes it; the removal is one
 * statement that one of them does. A look that finds nobody is a read, and not worth a line in the diary: an idle
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
