import type { Retention } from '#message-persistence';
import { counting, inSteps } from '../in-steps.js';
import type { Job, JobReport } from '../job.js';

/**
 * An expired message is never delivered, whether this job runs or not: the job only frees its space before retention
 * does.
 */
export class ExpiredMessagesJob implements Job {
  readonly name = 'expired-messages';
  readonly does =
    'removes the bodies of messages that have ended; claims, dead letters, past memberships and the progress of receipts past retention';

  constructor(
    readonly cron: string,
    private readonly retention: Retention,
  ) {}

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
