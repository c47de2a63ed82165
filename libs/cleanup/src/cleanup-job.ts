import { DiscoveryService } from '@nestjs/core';
import type { Settings } from '#config';
import type { Job, JobWork } from './job.js';

/** A job’s name and what it does; its times come from the settings. */
export interface JobDescription extends Omit<Job, 'cron' | 'periodMs' | 'runOnce'> {
  readonly cron: (crons: Settings['cleanup']['cron']) => string;
}

/** The metadata by which {@link Jobs} finds the classes decorated with {@link CleanupJob}. */
export const JOB_DESCRIPTION = DiscoveryService.createDecorator<JobDescription>();

/** Makes a provider a cleanup job, which is listed, scheduled and run wherever a module provides it. */
export function CleanupJob(description: JobDescription): (work: abstract new (...needs: never[]) => JobWork) => void {
  return JOB_DESCRIPTION(description);
}
