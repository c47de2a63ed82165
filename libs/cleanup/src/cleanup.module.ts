import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { DeadInstancesJob } from './dead-instances.job.js';
import { ExpiredMessagesJob } from './expired-messages.job.js';
import { PartitionsJob } from './partitions.job.js';

@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [DeadInstancesJob, ExpiredMessagesJob, PartitionsJob],
})
export class CleanupModule {}
