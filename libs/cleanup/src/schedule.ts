import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';
import { Jobs } from './jobs.js';
import { periodOf } from './period-of.js';

/** Runs each job at its times, on every instance; the runner sees to it that one of them does it. */
@Injectable()
export class Schedule {
  constructor(
    private readonly scheduler: SchedulerRegistry,
    private readonly jobs: Jobs,
    private readonly runner: JobRunner,
  ) {}

  /** Once the tables are there; the application's end ends it. */
  start(): void {
    for (const job of this.jobs.list) {
      const periodMs = periodOf(job.cron);
      const tick = (): Promise<void> => this.run(job, periodMs);
      const cronJob = CronJob.from({ cronTime: job.cron, onTick: tick, waitForCompletion: true });
      this.scheduler.addCronJob(job.name, cronJob);
      cronJob.start();
      // Nobody knows how long ago the last instance ran.
      void tick();
    }
  }

  private async run(job: Job, periodMs: number): Promise<void> {
    if (job.isForEachInstance) await this.runner.runUnlocked(job);
    else await this.runner.run(job, { unlessWithinMs: periodMs / 2 });
  }
}
