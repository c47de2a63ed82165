import { Inject } from '@nestjs/common';
import { SETTINGS, type Settings } from '#config';
import { Peers } from '#connection-manager';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';

@CleanupJob({
  name: 'stale-connections',
  does: 'removes connections without a sign of life, though their instance lives',
  cron: (crons) => crons.staleConnections,
})
export class StaleConnectionsJob implements JobWork {
  constructor(
    private readonly peers: Peers,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const { connectionTimeoutMs } = this.settings.cleanup;
    return { rows: await this.peers.removeStale(connectionTimeoutMs, isDryRun) };
  }
}
