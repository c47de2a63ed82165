export interface JobView {
  readonly name: string;
  /** One line. */
  readonly does: string;
  readonly cron: string;
}

export interface JobResult {
  /** False: an instance runs it just now. */
  readonly ran: boolean;
  readonly rows: number;
  readonly notes: readonly string[];
  readonly error: string | null;
}

/** The cleanup jobs, as operators see and run them. */
export abstract class AdminJobs {
  abstract list(): readonly JobView[];

  /** Runs it here, under the lock that every instance uses. Undefined: there is no such job. */
  abstract run(name: string, isDryRun: boolean): Promise<JobResult | undefined>;
}
