import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { catchError, from, mergeMap, type Observable } from 'rxjs';
import { LOGGER, requestIdOf, type Logger } from '#observability';
import { ChangeLog } from './change-log.port.js';
import { toFault } from './to-fault.js';

/** A request whose key was found to be good. */
export interface KeyedRequest extends Request {
  /** The name of the key. */
  keyName: string;
}

/** What a route changes, as the audit calls it. */
export const Action = Reflector.createDecorator<string>();

const PLAIN = new Set(['string', 'number', 'boolean']);
const LONGEST = 200;
const MOST_DETAILS = 10;

/** Writes down each change before it is made, and then what came of it. */
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
    const { code, message } = toFault(error);
    await this.end(id, `${code} ${message}`);
    throw error;
  }

  /** The change is made, whatever becomes of its line. */
  private async end(id: number, result: string): Promise<void> {
    await this.changes
      .end(id, result)
      .catch((error: unknown) => this.logger.warn({ err: error, id, result }, 'result of a change not written down'));
  }
}

function targetOf({ params }: KeyedRequest): string {
  return Object.values(params).join(' ').slice(0, 300);
}

/** What it was asked with, before anybody has looked at it: plain values, and not too many. There are no secrets here. */
function detailsOf({ query, body }: KeyedRequest): Record<string, unknown> {
  const given: [string, unknown][] = [query, body].flatMap((part: unknown) => Object.entries(part ?? {}));
  const plain = given.filter(([name, value]) => PLAIN.has(typeof value) && `${name}${String(value)}`.length < LONGEST);
  return Object.fromEntries(plain.slice(0, MOST_DETAILS));
}
