export { CleanupModule } from './cleanup.module.js';
export { JobRunner } from './job-runner.js';
