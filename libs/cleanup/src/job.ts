export interface JobReport {
  /** Rows or things changed. */
  readonly rows: number;
  /** What an operator wants to know of it, one line each. */
  readonly notes?: readonly string[];
}

/** One cleanup job: bounded work that any instance may do, and that may be repeated. */
export interface Job {
  readonly name: string;
  /** One line for `npm run cleanup -- --list`. */
  readonly does: string;
  /** Cron expression, with seconds. */
  readonly cron: string;
  /** Does a bounded part of the work; on a dry run says what it would do, of deletes at most one batch. */
  runOnce(isDryRun: boolean): Promise<JobReport>;
}
