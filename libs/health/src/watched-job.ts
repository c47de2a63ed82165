/** A job that health reports as stale when it has not succeeded for too long. Whoever knows the jobs provides it. */
export interface WatchedJob {
  readonly name: string;
  /** The cron expression begins with a field for seconds. */
  readonly cron: string;
}

/** Injection token of the {@link WatchedJob}s. */
export const WATCHED_JOBS = Symbol('watched jobs');
