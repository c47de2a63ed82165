import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { callerOf, type KeyedRequest } from '#http';
import { LOGGER, type Logger } from '#observability';
import { ProtocolError, type AdminScope } from '#protocol';

/** The scope that a route needs. */
export const Scope = Reflector.createDecorator<AdminScope>();

/** Lets in a caller that the doorkeeper knows by a key of ADMIN_API_KEYS, if its scopes include that of the route. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<KeyedRequest>();
    const admin = callerOf(request);
    if (admin?.kind !== 'admin') {
      throw new ProtocolError('API_KEY_INVALID', 'needs Authorization: Bearer <key of ADMIN_API_KEYS>');
    }
    // A route without a scope is a mistake, so it is open to nobody.
    const scope = this.reflector.get(Scope, context.getHandler()) as AdminScope | undefined;
    if (!scope || !admin.scopes.has(scope)) {
      this.logger.warn({ key: admin.name, scope }, 'admin request refused: scope');
      throw new ProtocolError('FORBIDDEN', `the key ${admin.name} has not the scope ${scope ?? ''}`.trim());
    }
    request.keyName = admin.name;
    return true;
  }
}
