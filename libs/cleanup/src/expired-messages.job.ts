import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Retention } from '#message-persistence';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';

const EVERY_MS = 60_000;

/** Removes expired messages, and claims past retention, a thousand at a time; whether it runs or not, none is delivered. */
@Injectable()
export class ExpiredMessagesJob implements Job, OnApplicationBootstrap {
  readonly name = 'expired-messages';

  constructor(
    @Inject(Retention) private readonly retention: Retention,
    @Inject(JobRunner) private readonly runner: JobRunner,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.tick();
  }

  @Interval(EVERY_MS)
  async tick(): Promise<void> {
    await this.runner.run(this);
  }

  async runOnce(): Promise<number> {
    return (await this.retention.deleteExpired()) + (await this.retention.forgetClaims());
  }
}
