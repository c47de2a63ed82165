import { Sessions } from '#connection-manager';
import { CleanupJob } from '../cleanup-job.js';
import { counting, inSteps } from '../in-steps.js';
import type { JobReport, JobWork } from '../job.js';

@CleanupJob({
  name: 'ended-sessions',
  does: 'ends sessions past their token or long without a connection, and deletes those and bans that ended long ago, and tokens past their end',
  cron: (crons) => crons.endedSessions,
})
export class EndedSessionsJob implements JobWork {
  constructor(private readonly sessions: Sessions) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      counting('ended', () => this.sessions.endOverdue(isDryRun)),
      counting('deleted', () => this.sessions.forgetEnded(isDryRun)),
      counting('tokens forgotten', () => this.sessions.forgetTokens(isDryRun)),
      counting('bans forgotten', () => this.sessions.forgetBans(isDryRun)),
    );
  }
}
