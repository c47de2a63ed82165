import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { JobHistory } from './job-history.js';
import { JobRunner } from './job-runner.js';
import { Jobs } from './jobs.js';
import { DeadInstancesJob } from './jobs/dead-instances.job.js';
import { DedupeWindowJob } from './jobs/dedupe-window.job.js';
import { EndedSessionsJob } from './jobs/ended-sessions.job.js';
import { ExpiredMessagesJob } from './jobs/expired-messages.job.js';
import { IdleDevicesJob } from './jobs/idle-devices.job.js';
import { JobRunsJob } from './jobs/job-runs.job.js';
import { OrphansJob } from './jobs/orphans.job.js';
import { PartitionsJob } from './jobs/partitions.job.js';
import { StaleConnectionsJob } from './jobs/stale-connections.job.js';
import { Schedule } from './schedule.js';

/** The jobs in the order in which they are listed. The stores that they clean up are provided by a global module. */
const JOBS = [
  DeadInstancesJob,
  ExpiredMessagesJob,
  PartitionsJob,
  DedupeWindowJob,
  IdleDevicesJob,
  StaleConnectionsJob,
  EndedSessionsJob,
  OrphansJob,
  JobRunsJob,
];

@Module({
  imports: [DiscoveryModule, ScheduleModule.forRoot()],
  providers: [...JOBS, Jobs, JobHistory, JobRunner, Schedule],
  exports: [Jobs, JobHistory, JobRunner],
})
export class CleanupModule {}
