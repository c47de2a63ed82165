import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { CleanupModule } from '#cleanup';
import { HealthProbes } from './health-probes.js';
import { HealthController } from './health.controller.js';
import { Indicators } from './indicators.js';

@Module({
  imports: [CleanupModule, TerminusModule.forRoot({ logger: false })],
  providers: [Indicators, HealthProbes],
  controllers: [HealthController],
})
export class HealthModule {}
