export interface JobReport {
  /** Rows or things changed. */
  readonly rows: number;
  /** What an operator wants to know of it, one line each. */
  readonly notes?: readonly string[];
}

/** The work of a cleanup job: bounded, done by any instance, and harmless when it is repeated. */
export interface JobWork {
  /** Does a bounded part of the work; on a dry run says what it would do, of deletes at most one batch. */
  runOnce(isDryRun: boolean): Promise<JobReport>;
}

/** A cleanup job with all that is needed to list, schedule and run it. */
export interface Job extends JobWork {
  readonly name: string;
  /** One line for `npm run cleanup -- --list`. */
  readonly does: string;
  /** Cron expression, with seconds. */
  readonly cron: string;
  /** Every instance does it for itself, without the lock, and a run that finds nothing is not written down. */
  readonly isForEachInstance?: boolean;
}
