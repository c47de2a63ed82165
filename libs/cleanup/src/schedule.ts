import { Inject, Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob, CronTime } from 'cron';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';
import { Jobs } from './jobs.js';

/** Runs each job at its times, on every instance; the runner sees to it that one of them does it. */
@Injectable()
export class Schedule {
  constructor(
    @Inject(SchedulerRegistry) private readonly scheduler: SchedulerRegistry,
    @Inject(Jobs) private readonly jobs: Jobs,
    @Inject(JobRunner) private readonly runner: JobRunner,
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
    if (job === this.jobs.deadInstances) await this.runner.runUnlocked(job);
    else await this.runner.run(job, { unlessWithinMs: periodMs / 2 });
  }
}

function periodOf(cron: string): number {
  const [first, second] = new CronTime(cron).sendAt(2);
  return first && second ? second.toMillis() - first.toMillis() : 0;
}
