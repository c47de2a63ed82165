import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { callerOf, type KeyedRequest } from '#http';
import { ProtocolError } from '#protocol';

/** Lets a request pass if the doorkeeper has found its key in API_KEYS. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<KeyedRequest>();
    const caller = callerOf(request);
    if (caller?.kind !== 'api')
      throw new ProtocolError('API_KEY_INVALID', 'needs Authorization: Bearer <key of API_KEYS>');
    request.keyName = caller.name;
    return true;
  }
}
