export { AdminJobs, type JobResult, type JobView } from './admin-jobs.port.js';
export { AdminModule } from './admin.module.js';
