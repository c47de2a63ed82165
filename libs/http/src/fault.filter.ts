import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { LOGGER, METER, requestIdOf, type Counts, type Logger, type Meter } from '#observability';
import { Fault, type FaultName } from '#protocol';
import { countFaults } from './count-faults.js';
import { toFault } from './to-fault.js';

const STATUS_BY_FAULT: Partial<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  NOT_FOUND: 404,
  PUBLISH_ID_REUSED: 409,
  BATCH_TOO_LARGE: 413,
  OVERLOADED: 429,
  RATE_LIMITED: 429,
};
const STATUS_BY_RANGE = [500, 400, 401, 403, 503, 500];

/** Answers every refusal of HTTP as `{ok:false, error}`, with the number the socket would give. */
@Catch()
export class FaultFilter implements ExceptionFilter {
  private readonly faults: Counts<FaultName>;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter,
  ) {
    this.faults = countFaults(meter);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const fault = error instanceof HttpException ? fromHttp(error) : toFault(error);
    this.faults.inc(fault.fault);
    const requestId = requestIdOf(http.getRequest<Request>());
    if (fault.fault === 'INTERNAL') this.logger.error({ err: error, requestId }, 'request failed');
    else this.logger.debug({ code: fault.code, requestId }, 'request refused');
    if (response.headersSent) return;
    response.status(statusOf(fault)).json({ ok: false, error: fault.toWire() });
  }
}

export function statusOf(fault: Fault): number {
  return STATUS_BY_FAULT[fault.fault] ?? STATUS_BY_RANGE[Math.floor(fault.code / 1_000)] ?? 500;
}

/** Of Nest itself, or of Express and its body parser: Nest has wrapped those. */
function fromHttp(error: HttpException): Fault {
  if (error.cause instanceof SyntaxError) return new Fault('BAD_JSON', 'the body is not JSON', { cause: error });
  switch (error.getStatus()) {
    case 404:
      return new Fault('NOT_FOUND', 'no such route');
    case 413:
      return new Fault('BODY_TOO_LARGE', 'the request body is too long');
    default:
      return error.getStatus() < 500
        ? new Fault('BAD_REQUEST', error.message.slice(0, 200))
        : new Fault('INTERNAL', 'a fault of the server; it is in its log', { cause: error });
  }
}
