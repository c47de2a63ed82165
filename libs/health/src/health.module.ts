import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { Indicators } from './indicators.js';
import { Vitals } from './vitals.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [Indicators, Vitals],
  controllers: [HealthController],
})
export class HealthModule {}
