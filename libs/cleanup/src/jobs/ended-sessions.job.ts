import type { Sessions } from '#connection-manager';
import { counting, inSteps } from '../in-steps.js';
import type { Job, JobReport } from '../job.js';

export class EndedSessionsJob implements Job {
  readonly name = 'ended-sessions';
  readonly does =
    'ends sessions past their token or long without a connection, and deletes those and bans that ended long ago, and tokens past their end';

  constructor(
    readonly cron: string,
    private readonly sessions: Pick<Sessions, 'endOverdue' | 'forgetEnded' | 'forgetTokens' | 'forgetBans'>,
  ) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      counting('ended', () => this.sessions.endOverdue(isDryRun)),
      counting('deleted', () => this.sessions.forgetEnded(isDryRun)),
      counting('tokens forgotten', () => this.sessions.forgetTokens(isDryRun)),
      counting('bans forgotten', () => this.sessions.forgetBans(isDryRun)),
    );
  }
}
