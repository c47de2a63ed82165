import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { catchError, from, mergeMap, type Observable } from 'rxjs';
import { toFault } from '#http';
import { AdminAudit } from '#message-persistence';
import { LOGGER, type Logger } from '#observability';
import type { AdminRequest } from './admin.guard.js';

/** What a route changes, as the audit calls it. */
export const Action = Reflector.createDecorator<string>();

const REQUEST_ID = /^[\x21-\x7e]{1,100}$/;
const LONGEST_DETAILS = 2_000;

/** Writes down each change before it is made, and then what came of it. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    @Inject(AdminAudit) private readonly audit: AdminAudit,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const action = this.reflector.get(Action, context.getHandler()) as string | undefined;
    if (action === undefined) return next.handle();
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const id = await this.audit.begin({
      by: request.admin.name,
      action,
      target: targetOf(request),
      details: detailsOf(request),
      requestId: requestIdOf(request, context.switchToHttp().getResponse<Response>()),
    });
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        await this.end(id, 'ok');
        return answer;
      }),
      catchError((error: unknown) => from(this.fail(id, error))),
    );
  }

  private async fail(id: number, error: unknown): Promise<never> {
    const { code, message } = toFault(error);
    await this.end(id, `${code} ${message}`);
    throw error;
  }

  /** The change is made, whatever becomes of its line. */
  private async end(id: number, result: string): Promise<void> {
    await this.audit
      .end(id, result)
      .catch((error: unknown) => this.logger.warn({ err: error, id, result }, 'result of a change not written down'));
  }
}

function targetOf({ params }: AdminRequest): string {
  return Object.values(params).join(' ').slice(0, 300);
}

/** Bodies and queries of this REST hold no secrets. */
function detailsOf({ query, body }: AdminRequest): Record<string, unknown> {
  const details = { ...query, ...(typeof body === 'object' ? (body as Record<string, unknown> | null) : {}) };
  return JSON.stringify(details).length > LONGEST_DETAILS ? { tooLong: true } : details;
}

/** The one that is answered, if somebody gives requests one; else the caller's own. */
function requestIdOf(request: AdminRequest, response: Response): string | null {
  const given = response.getHeader('x-request-id') ?? request.header('x-request-id');
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : null;
}
