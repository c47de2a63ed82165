import { Controller, Get, Inject, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { Indicators } from './indicators.js';
import { ReportFilter } from './report.filter.js';

/** For orchestrators and operators. Says up or down for each part and nothing more: strangers may read it. */
@ApiTags('health')
@Controller('health')
@UseFilters(ReportFilter)
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(Indicators) private readonly indicators: Indicators,
  ) {}

  /** Everything, 503 if anything is down. */
  @Get()
  @HealthCheck()
  all(): Promise<HealthCheckResult> {
    const { database, listener, lease, cleanup } = this.indicators;
    return this.health.check([database, listener, lease, cleanup]);
  }

  /** Answers as long as the process does: a database outage is no reason to restart it. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  /** Whether to send clients here. Without LISTEN it still serves, by polling. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    const { instance, database, lease } = this.indicators;
    return this.health.check([instance, database, lease]);
  }
}
