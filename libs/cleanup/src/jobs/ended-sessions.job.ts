import type { Sessions } from '#connection-manager';
import type { Job, JobReport } from '../job.js';

export class EndedSessionsJob implements Job {
  readonly name = 'ended-sessions';
  readonly does =
    'ends sessions past their token or long without a connection, and deletes those that ended long ago, and tokens past their end';

  constructor(
    readonly cron: string,
    private readonly sessions: Pick<Sessions, 'endOverdue' | 'forgetEnded' | 'forgetTokens'>,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const ended = await this.sessions.endOverdue(isDryRun);
    const forgotten = await this.sessions.forgetEnded(isDryRun);
    const tokens = await this.sessions.forgetTokens(isDryRun);
    return {
      rows: ended + forgotten + tokens,
      notes: [`${ended} ended, ${forgotten} deleted, ${tokens} tokens forgotten`],
    };
  }
}
