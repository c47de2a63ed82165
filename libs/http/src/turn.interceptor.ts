import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { FairQueue } from '#limits';
import type { KeyedRequest } from './audit.interceptor.js';

/**
 * Has a request wait for the turn of its key, so that one key never takes all connections to the database. For routes
 * that need one for each request: publishes and joins share theirs, and take turns where they are stored.
 */
@Injectable()
export class TurnInterceptor implements NestInterceptor {
  constructor(@Inject(FairQueue) private readonly turns: FairQueue) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const { keyName } = context.switchToHttp().getRequest<KeyedRequest>();
    return from(this.turns.run(`api:${keyName}`, () => lastValueFrom(next.handle())));
  }
}
