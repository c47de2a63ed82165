export interface JobView {
  readonly name: string;
  /** One line that says what the job does. */
  readonly does: string;
  readonly cron: string;
}

export interface JobResult {
  /** False means that an instance is running the job at this moment. */
  readonly ran: boolean;
  readonly rows: number;
  readonly notes: readonly string[];
  readonly error: string | null;
}

/** Lets operators see and run the cleanup jobs. */
export abstract class AdminJobs {
  abstract list(): readonly JobView[];

  /** Runs a job here, under the lock that every instance uses. Undefined means that there is no such job. */
  abstract run(name: string, isDryRun: boolean): Promise<JobResult | undefined>;
}
