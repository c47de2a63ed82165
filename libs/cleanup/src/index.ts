export { CleanupModule } from './cleanup.module.js';
export type { Job } from './job.js';
export { JobRunner, type JobOutcome } from './job-runner.js';
export { Jobs, type CleanupStores } from './jobs.js';
export { Schedule } from './schedule.js';
