import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { Request } from 'express';
import { FairQueue } from '#limits';
import { callerOf } from './caller.js';

/** This stands in for a missing caller, although the doorkeeper lets no request without a key come this far. */
const NOBODY = { kind: 'none', name: '' };

/**
 * Makes a request wait for the turn of its key, so that one key never takes all connections to the database. It is for
 * routes that need a connection for each request; publishes and joins share theirs, and take turns where they are
 * stored.
 */
@Injectable()
export class FairQueueInterceptor implements NestInterceptor {
  constructor(private readonly fairQueue: FairQueue) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    // The kind is part of the owner, because an operator's key may have the name of a back end's key.
    const { kind, name } = callerOf(context.switchToHttp().getRequest<Request>()) ?? NOBODY;
    return from(this.fairQueue.run(`${kind}:${name}`, () => lastValueFrom(next.handle())));
  }
}
