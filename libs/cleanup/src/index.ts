export { CleanupModule } from './cleanup.module.js';
export { JobDiary } from './job-diary.js';
export { JobRunner, type JobOutcome } from './job-runner.js';
export type { Job } from './job.js';
export { Jobs } from './jobs.js';
export { periodOf } from './period-of.js';
export { Schedule } from './schedule.js';
export type { JobRunsRow } from './sql/count-job-runs.sql.js';
export type { JobRunRow } from './sql/list-job-runs.sql.js';
