import { Retention } from '#message-persistence';
import { CleanupJob } from '../cleanup-job.js';
import { counting, inSteps } from '../in-steps.js';
import type { JobReport, JobWork } from '../job.js';

/**
 * An expired message is never delivered, whether this job runs or not: the job only frees its space before retention
 * does.
 */
@CleanupJob({
  name: 'expired-messages',
  does: 'removes the bodies of messages that have ended; claims, dead letters, past memberships and the progress of receipts past retention',
  cron: (crons) => crons.expiredMessages,
})
export class ExpiredMessagesJob implements JobWork {
  constructor(private readonly retention: Retention) {}

  runOnce(isDryRun: boolean): Promise<JobReport> {
    return inSteps(
      counting('messages', () => this.retention.clearEnded(isDryRun)),
      counting('claims', () => this.retention.forgetClaims(isDryRun)),
      counting('dead letters', () => this.retention.forgetDeadLetters(isDryRun)),
      counting('past memberships', () => this.retention.forgetMemberships(isDryRun)),
      counting('receipts', () => this.retention.forgetReceipts(isDryRun)),
    );
  }
}
