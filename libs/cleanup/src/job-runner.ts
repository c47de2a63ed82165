import { Inject, Injectable } from '@nestjs/common';
import { INSTANCE_ID } from '#connection-manager';
import { Database, statement } from '#database';
import { LOGGER, METER, NO_METER, type Logger, type Meter } from '#observability';
import { JobHistory } from './job-history.js';
import { JobMetrics } from './job-metrics.js';
import type { Job, JobReport } from './job.js';

/** The lock is held until the transaction ends, so that only one of several instances runs a job. */
const TRY_JOB_LOCK = statement<{ is_mine: boolean }>(
  'try_job_lock',
  'jobs',
  'select pg_try_advisory_xact_lock(7256, hashtext($1)) as is_mine',
);

export interface RunOptions {
  /** The run is skipped if the last one began less than this ago, because another instance has just done it then. */
  readonly unlessWithinMs?: number;
  readonly isDryRun?: boolean;
}

export type JobOutcome = JobReport & {
  /** False means that nothing ran here, mostly because another instance is running this job or has just done so. */
  readonly isMine: boolean;
  readonly error?: Error;
};

const NOTHING: JobOutcome = { isMine: false, rows: 0 };

/** Runs jobs one after the other, each on one instance at a time, and records the outcome in the job history. */
@Injectable()
export class JobRunner {
  private last: Promise<unknown> = Promise.resolve();
  private isStopped = false;
  private readonly metrics: JobMetrics;

  constructor(
    private readonly database: Database,
    private readonly history: JobHistory,
    @Inject(INSTANCE_ID) private readonly instanceId: string,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter = NO_METER,
  ) {
    this.metrics = new JobMetrics(meter);
  }

  /** Runs a job and never throws: a failure is logged and recorded, and the next run tries again. */
  run(job: Job, options: RunOptions = {}): Promise<JobOutcome> {
    const run = this.last.then(() => this.runLocked(job, options)).catch((error: unknown) => this.failed(job, error));
    this.last = run;
    return run;
  }

  /**
   * Works as {@link run} does, but without a lock, for a job that several instances may run at once. A run is recorded
   * only if it failed or changed something.
   */
  async runUnlocked(job: Job): Promise<JobOutcome> {
    if (this.isStopped) return NOTHING;
    return this.attempt(job, { isWorthNoting: ({ rows }) => rows > 0 }).catch((error: unknown) =>
      this.failed(job, error),
    );
  }

  /** Lets no other run begin, and resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.last;
  }

  private runLocked(job: Job, { unlessWithinMs = 0, isDryRun = false }: RunOptions): Promise<JobOutcome> {
    if (this.isStopped) return Promise.resolve(NOTHING);
    const work = async (rows: Parameters<Parameters<Database['transaction']>[0]>[0]): Promise<JobOutcome> => {
      const [lock] = await rows(TRY_JOB_LOCK, [job.name]);
      if (!lock?.is_mine) return NOTHING;
      const ageMs = unlessWithinMs > 0 ? await this.history.lastRunAgeMs(job.name) : undefined;
      if (ageMs !== undefined && ageMs < unlessWithinMs) return NOTHING;
      return this.attempt(job, { isDryRun });
    };
    return this.database.transaction(work);
  }

  private async attempt(
    job: Job,
    {
      isDryRun = false,
      isWorthNoting = () => true,
    }: { isDryRun?: boolean; isWorthNoting?: (report: JobReport) => boolean },
  ): Promise<JobOutcome> {
    const startedAt = performance.now();
    const { error, ...report } = await job.runOnce(isDryRun).then(
      (done): JobReport & { error?: Error } => done,
      (thrown: unknown) => ({ rows: 0, error: thrown instanceof Error ? thrown : new Error(String(thrown)) }),
    );
    this.metrics.ran(job.name, startedAt, { ...report, ...(error ? { error } : {}) });
    if (error) this.logger.warn({ err: error, job: job.name }, 'job failed');
    else if (report.rows > 0) this.logger.info({ job: job.name, ...report, isDryRun }, 'job done');
    if (!isDryRun && (error || isWorthNoting(report))) {
      await this.history.record({
        job: job.name,
        instanceId: this.instanceId,
        durationMs: performance.now() - startedAt,
        rows: report.rows,
        error: error?.message.slice(0, 500) ?? null,
      });
    }
    return { isMine: true, ...report, ...(error ? { error } : {}) };
  }

  private failed(job: Job, error: unknown): JobOutcome {
    this.logger.warn({ err: error, job: job.name }, 'job failed');
    return NOTHING;
  }
}
