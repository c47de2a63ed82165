import { applyDecorators, HttpCode, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { Action, AuditInterceptor, Documented, FairQueueInterceptor } from '#http';
import type { AdminScope } from '#protocol';
import { AdminGuard, Scope } from './admin.guard.js';

/** The name of the security scheme in OpenAPI. */
const ADMIN_KEYS = 'admin';

export interface Administered extends Omit<Documented, 'keys' | 'description'> {
  readonly scope: AdminScope;
  /** Names what the route changes, as the audit log calls it; left out if it changes nothing. */
  readonly action?: string;
}

/** Makes a route of the admin REST, with its scope, its name in the audit log and its description in OpenAPI. */
export function Administered({ scope, action, ...route }: Administered): MethodDecorator {
  return applyDecorators(
    UseGuards(AdminGuard),
    Scope(scope),
    // A route that changes something waits for no turn, because it may take long.
    ...(action === undefined
      ? [UseInterceptors(FairQueueInterceptor)]
      : [Action(action), UseInterceptors(AuditInterceptor)]),
    HttpCode(200),
    ApiExtension('x-scope', scope),
    Documented({
      ...route,
      errors: ['FORBIDDEN', 'BAD_REQUEST', ...route.errors],
      keys: ADMIN_KEYS,
      description: `Needs a key with the scope \`${scope}\`.${action ? ` The audit calls it \`${action}\`.` : ''}`,
    }),
  );
}
