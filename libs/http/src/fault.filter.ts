import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { LOGGER, METER, requestIdOf, type Counts, type Logger, type Meter } from '#observability';
import { Fault, type FaultName } from '#protocol';
import { answerFault } from './answer-fault.js';
import { countFaults } from './count-faults.js';
import { toFault } from './to-fault.js';

/** Answers every error of HTTP as `{ok:false, error}`, with the code that the socket would give. */
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
    if (!response.headersSent) answerFault(response, fault);
  }
}

/** Converts an exception of Nest itself, or one of Express that Nest has wrapped. */
function fromHttp(error: HttpException): Fault {
  switch (error.getStatus()) {
    case 404:
      return new Fault('NOT_FOUND', 'no such route');
    default:
      return error.getStatus() < 500
        ? new Fault('BAD_REQUEST', error.message.slice(0, 200))
        : new Fault('INTERNAL', 'a fault of the server; it is in its log', { cause: error });
  }
}
