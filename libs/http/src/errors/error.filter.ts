import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { LOGGER, METER, requestIdOf, type Counts, type Logger, type Meter } from '#observability';
import { ProtocolError, type ErrorName } from '#protocol';
import { answerError } from './answer-error.js';
import { countErrors } from './count-errors.js';
import { toProtocolError } from './to-protocol-error.js';

/** Answers every error of HTTP as `{ok:false, error}`, with the code that the socket would give. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly errors: Counts<ErrorName>;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter,
  ) {
    this.errors = countErrors(meter);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const protocolError = error instanceof HttpException ? fromHttp(error) : toProtocolError(error);
    this.errors.inc(protocolError.errorName);
    const requestId = requestIdOf(http.getRequest<Request>());
    if (protocolError.errorName === 'INTERNAL') this.logger.error({ err: error, requestId }, 'request failed');
    else this.logger.debug({ code: protocolError.code, requestId }, 'request refused');
    if (!response.headersSent) answerError(response, protocolError);
  }
}

/** Converts an exception of Nest itself, or one of Express that Nest has wrapped. */
function fromHttp(error: HttpException): ProtocolError {
  switch (error.getStatus()) {
    case 404:
      return new ProtocolError('NOT_FOUND', 'no such route');
    default:
      return error.getStatus() < 500
        ? new ProtocolError('BAD_REQUEST', error.message.slice(0, 200))
        : new ProtocolError('INTERNAL', 'a fault of the server; it is in its log', { cause: error });
  }
}
