import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ApiKeys } from '#auth';
import type { KeyedRequest } from '#http';
import { Fault } from '#protocol';

/** Lets in who shows a secret of API_KEYS as `Authorization: Bearer <secret>` or `X-API-Key: <secret>`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(@Inject(ApiKeys) private readonly keys: ApiKeys) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<KeyedRequest>();
    const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const secret = bearer ?? request.header('x-api-key');
    const name = secret === undefined ? undefined : this.keys.nameOf(secret);
    if (name === undefined) throw new Fault('API_KEY_INVALID', 'needs Authorization: Bearer <API key>');
    request.keyName = name;
    return true;
  }
}
