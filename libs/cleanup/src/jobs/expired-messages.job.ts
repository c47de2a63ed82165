import type { Retention } from '#message-persistence';
import type { Job, JobReport } from '../job.js';

/** Whether it runs or not, what has expired is never delivered: this only frees the space before retention does. */
export class ExpiredMessagesJob implements Job {
  readonly name = 'expired-messages';
  readonly does =
    'removes the bodies of messages that have ended; claims, dead letters and past memberships past retention';

  constructor(
    readonly cron: string,
    private readonly retention: Retention,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const messages = await this.retention.clearEnded(isDryRun);
    const claims = await this.retention.forgetClaims(isDryRun);
    const letters = await this.retention.forgetDeadLetters(isDryRun);
    const memberships = await this.retention.forgetMemberships(isDryRun);
    const notes = [`${messages} messages, ${claims} claims, ${letters} dead letters, ${memberships} past memberships`];
    return { rows: messages + claims + letters + memberships, notes };
  }
}
