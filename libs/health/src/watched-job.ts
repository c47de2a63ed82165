/** A job whose runs are looked after; provided by whoever knows the jobs. */
export interface WatchedJob {
  readonly name: string;
  /** Cron expression, with seconds. */
  readonly cron: string;
}

/** Injection token of the {@link WatchedJob}s. */
export const WATCHED_JOBS = Symbol('watched jobs');
