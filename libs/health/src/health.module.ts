import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { Indicators } from './indicators.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [Indicators],
  controllers: [HealthController],
})
export class HealthModule {}
