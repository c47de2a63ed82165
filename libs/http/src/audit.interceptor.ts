import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { catchError, from, mergeMap, type Observable } from 'rxjs';
import { LOGGER, requestIdOf, type Logger } from '#observability';
import { ChangeLog } from './change-log.port.js';
import { toProtocolError } from './errors/to-protocol-error.js';

/** A request that has shown a valid key. */
export interface KeyedRequest extends Request {
  keyName: string;
}

/** Names what a route changes, as the audit log calls it; a route without this name is not recorded. */
export const Action = Reflector.createDecorator<string>();

const PLAIN = new Set(['string', 'number', 'boolean']);
const LONGEST = 200;
const MOST_DETAILS = 10;

/** Records each change in the audit log before it is made, and then its result. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly changes: ChangeLog,
    private readonly reflector: Reflector,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const action = this.reflector.get(Action, context.getHandler()) as string | undefined;
    if (action === undefined) return next.handle();
    const request = context.switchToHttp().getRequest<KeyedRequest>();
    const id = await this.changes.begin({
      by: request.keyName,
      action,
      target: targetOf(request),
      details: detailsOf(request),
      requestId: requestIdOf(request),
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
    const { code, message } = toProtocolError(error);
    await this.end(id, `${code} ${message}`);
    throw error;
  }

  /** If the result cannot be recorded, that is only logged, because the change itself is over. */
  private async end(id: number, result: string): Promise<void> {
    await this.changes
      .end(id, result)
      .catch((error: unknown) => this.logger.warn({ err: error, id, result }, 'result of a change not written down'));
  }
}

function targetOf({ params }: KeyedRequest): string {
  return Object.values(params).join(' ').slice(0, 300);
}

/** Picks a few plain values from the query and the body, which are not validated yet. Neither holds secrets. */
function detailsOf({ query, body }: KeyedRequest): Record<string, unknown> {
  const given: [string, unknown][] = [query, body].flatMap((part: unknown) => Object.entries(part ?? {}));
  const plain = given.filter(([name, value]) => PLAIN.has(typeof value) && `${name}${String(value)}`.length < LONGEST);
  return Object.fromEntries(plain.slice(0, MOST_DETAILS));
}
