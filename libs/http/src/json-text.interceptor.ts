import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { map, type Observable } from 'rxjs';
import { toJson } from '#protocol';

/** Writes stored JSON into the answer as it is stored, because Express would write it anew with JSON.stringify. */
@Injectable()
export class JsonTextInterceptor implements NestInterceptor<unknown, string> {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<string> {
    return next.handle().pipe(
      map((answer) => {
        context.switchToHttp().getResponse<Response>().type('json');
        return toJson(answer);
      }),
    );
  }
}
