import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';
import { Jobs } from './jobs.js';

/** Starts each job at its times on every instance; the runner makes sure that only one of them does the work. */
@Injectable()
export class Schedule {
  constructor(
    private readonly scheduler: SchedulerRegistry,
    private readonly jobs: Jobs,
    private readonly runner: JobRunner,
  ) {}

  /** Call this once the tables exist. The jobs end with the application. */
  start(): void {
    for (const job of this.jobs.list) {
      const tick = (): Promise<void> => this.run(job);
      const cronJob = CronJob.from({ cronTime: job.cron, onTick: tick, waitForCompletion: true });
      this.scheduler.addCronJob(job.name, cronJob);
      cronJob.start();
      // Each job also runs at the start, because nobody knows how long ago an instance last ran.
      void tick();
    }
  }

  private async run(job: Job): Promise<void> {
    if (job.isForEachInstance) await this.runner.runUnlocked(job);
    else await this.runner.run(job, { unlessWithinMs: job.periodMs / 2 });
  }
}
