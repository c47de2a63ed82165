import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { map, type Observable } from 'rxjs';
import { toJson } from '#protocol';

/** Answers with the stored text of messages in its place, which Express, by JSON.stringify, would write anew. */
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
