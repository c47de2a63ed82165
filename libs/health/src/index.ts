export { HealthModule } from './health.module.js';
export { Readiness } from './readiness.js';
export { WATCHED_JOBS, type WatchedJob } from './watched-job.js';
