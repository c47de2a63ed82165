import { statement, type Database } from '#database';
import type { JobDiary } from '#message-persistence';
import type { Logger } from '#observability';
import type { Job } from './job.js';

/** Held until the transaction ends: of several instances one runs a job. */
const TRY_JOB_LOCK = statement<{ is_mine: boolean }>(
  'try_job_lock',
  'select pg_try_advisory_xact_lock(7256, hashtext($1)) as is_mine',
);

export interface JobOutcome {
  /** False: another instance runs this job just now. */
  readonly isMine: boolean;
  readonly rows: number;
}

const NOTHING: JobOutcome = { isMine: false, rows: 0 };

/** Runs jobs so that one instance does each at a time, and writes down what came of it. */
export class JobRunner {
  private readonly running = new Set<Promise<JobOutcome>>();
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly diary: JobDiary,
    private readonly instanceId: string,
    private readonly logger: Logger,
  ) {}

  /** Never throws: a failure is logged and recorded, and the next run tries again. */
  async run(job: Job): Promise<JobOutcome> {
    if (this.isStopped) return NOTHING;
    const run = this.runLocked(job).catch((error: unknown) => {
      this.logger.warn({ err: error, job: job.name }, 'job failed');
      return NOTHING;
    });
    this.running.add(run);
    return run.finally(() => this.running.delete(run));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running);
  }

  private runLocked(job: Job): Promise<JobOutcome> {
    return this.database.transaction(async (rows) => {
      const [lock] = await rows(TRY_JOB_LOCK, [job.name]);
      if (!lock?.is_mine) return NOTHING;
      const startedAt = performance.now();
      const { count, error } = await attempt(job);
      if (error) this.logger.warn({ err: error, job: job.name }, 'job failed');
      await this.diary.record({
        job: job.name,
        instanceId: this.instanceId,
        durationMs: performance.now() - startedAt,
        rows: count,
        error: error?.message.slice(0, 500) ?? null,
      });
      return { isMine: true, rows: count };
    });
  }
}

async function attempt(job: Job): Promise<{ count: number; error?: Error }> {
  try {
    return { count: await job.runOnce() };
  } catch (error) {
    return { count: 0, error: error instanceof Error ? error : new Error(String(error)) };
  }
}
