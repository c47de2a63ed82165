export interface JobReport {
  /** How many rows or other things the run changed. */
  readonly rows: number;
  /** Lines that tell an operator what the run did. */
  readonly notes?: readonly string[];
}

/** A cleanup job is bounded work that any instance may do and that may be repeated. */
export interface Job {
  readonly name: string;
  /** One line that says what the job does, for `npm run cleanup -- --list`. */
  readonly does: string;
  /** The cron expression begins with a field for seconds. */
  readonly cron: string;
  /** Does a bounded part of the work. A dry run only says what it would do, and counts at most one batch of deletes. */
  runOnce(isDryRun: boolean): Promise<JobReport>;
}
