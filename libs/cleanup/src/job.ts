export interface JobReport {
  /** How many rows or other things the run changed. */
  readonly rows: number;
  /** Lines that tell an operator what the run did. */
  readonly notes?: readonly string[];
}

/** The work of a cleanup job: bounded, done by any instance, and harmless when it is repeated. */
export interface JobWork {
  /** Does a bounded part of the work. A dry run only says what it would do, and counts at most one batch of deletes. */
  runOnce(isDryRun: boolean): Promise<JobReport>;
}

/** A cleanup job with all that is needed to list, schedule and run it. */
export interface Job extends JobWork {
  readonly name: string;
  /** One line that says what the job does, for `npm run cleanup -- --list`. */
  readonly does: string;
  /** The cron expression begins with a field for seconds. */
  readonly cron: string;
  /** Milliseconds between the next two times of the expression. */
  readonly periodMs: number;
  /** Every instance does it for itself, without the lock, and a run that finds nothing is not written down. */
  readonly isForEachInstance?: boolean;
}
