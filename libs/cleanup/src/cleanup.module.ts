import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Schedule } from './schedule.js';

@Module({ imports: [ScheduleModule.forRoot()], providers: [Schedule] })
export class CleanupModule {}
