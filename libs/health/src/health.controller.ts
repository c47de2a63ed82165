import { Controller, Get, Inject, Req, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import type { IncomingMessage } from 'node:http';
import { SETTINGS, type ResolvedSettings } from '#config';
import { callerOf } from '#http';
import { Indicators } from './indicators.js';
import { ReportFilter } from './report.filter.js';

/** Answers orchestrators and operators from the moment the process listens. */
@ApiTags('health')
@Controller('health')
@UseFilters(ReportFilter)
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: Indicators,
    @Inject(SETTINGS) private readonly settings: Pick<ResolvedSettings, 'rest'>,
  ) {}

  /** Reports every part, with 503 if any is down; callers without a key may be told the status alone. */
  @Get()
  @HealthCheck()
  all(@Req() request: IncomingMessage): Promise<Pick<HealthCheckResult, 'status'>> {
    const report = this.health.check(this.indicators.all);
    return this.settings.rest.showsHealth || callerOf(request) ? report : statusAlone(report);
  }

  /** Fails only when a restart helps, because the event loop is stuck; a database outage is no reason. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([this.indicators.liveness]);
  }

  /** Tells whether to send clients here. An instance without LISTEN still serves, by polling. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    const { instance, database, lease } = this.indicators;
    return this.health.check([instance, database, lease]);
  }

  /** Fails until the process has started for the first time, because migrations may take a while. */
  @Get('startup')
  @HealthCheck()
  startup(): Promise<HealthCheckResult> {
    return this.health.check([this.indicators.startup]);
  }
}

async function statusAlone(report: Promise<HealthCheckResult>): Promise<Pick<HealthCheckResult, 'status'>> {
  try {
    return { status: (await report).status };
  } catch (error) {
    throw error instanceof ServiceUnavailableException ? new ServiceUnavailableException({ status: 'error' }) : error;
  }
}
