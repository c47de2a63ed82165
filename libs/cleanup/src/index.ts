export { CleanupJob } from './cleanup-job.js';
export { CleanupModule } from './cleanup.module.js';
export { JobHistory } from './job-history.js';
export { JobRunner, type JobOutcome } from './job-runner.js';
export type { Job, JobReport, JobWork } from './job.js';
export { Jobs } from './jobs.js';
export { Schedule } from './schedule.js';
export type { JobRunsRow } from './sql/count-job-runs.sql.js';
export type { JobRunRow } from './sql/list-job-runs.sql.js';
