import type { Peers } from '#connection-manager';
import type { Job, JobReport } from '../job.js';

export class StaleConnectionsJob implements Job {
  readonly name = 'stale-connections';
  readonly does = 'removes connections without a sign of life, though their instance lives';

  constructor(
    readonly cron: string,
    private readonly peers: Peers,
    private readonly timeoutMs: number,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return { rows: await this.peers.removeStale(this.timeoutMs, isDryRun) };
  }
}
