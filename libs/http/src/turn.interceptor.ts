import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { Request } from 'express';
import { FairQueue } from '#limits';
import { callerOf } from './caller.js';

/** The doorkeeper lets nobody without a key so far. */
const NOBODY = { kind: 'none', name: '' };

/**
 * Has a request wait for the turn of its key, so that one key never takes all connections to the database. For routes
 * that need one for each request: publishes and joins share theirs, and take turns where they are stored.
 */
@Injectable()
export class TurnInterceptor implements NestInterceptor {
  constructor(private readonly turns: FairQueue) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    // An operator's key may have the name of a back end's.
    const { kind, name } = callerOf(context.switchToHttp().getRequest<Request>()) ?? NOBODY;
    return from(this.turns.run(`${kind}:${name}`, () => lastValueFrom(next.handle())));
  }
}
