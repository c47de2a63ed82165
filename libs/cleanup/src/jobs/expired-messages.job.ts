import type { Retention } from '#message-persistence';
import type { Job, JobReport } from '../job.js';

/** Whether it runs or not, what has expired is never delivered: this only frees the space before retention does. */
export class ExpiredMessagesJob implements Job {
  readonly name = 'expired-messages';
  readonly does = 'removes expired messages, and claims and dead letters of messages past retention';

  constructor(
    readonly cron: string,
    private readonly retention: Retention,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const messages = await this.retention.deleteExpired(isDryRun);
    const claims = await this.retention.forgetClaims(isDryRun);
    const letters = await this.retention.forgetDeadLetters(isDryRun);
    const notes = [`${messages} messages, ${claims} claims, ${letters} dead letters`];
    return { rows: messages + claims + letters, notes };
  }
}
