import type { RestAnswer, Server } from '../support/server.js';

export const KEYS = {
  eyes: 'the-key-of-one-who-looks',
  hands: 'the-key-of-one-who-acts',
  broom: 'the-key-of-one-who-purges',
} as const;
export const ADMIN_API_KEYS = `eyes:${KEYS.eyes}:read,hands:${KEYS.hands}:operate,broom:${KEYS.broom}:purge`;

const SCOPES = { read: KEYS.eyes, operate: KEYS.hands, purge: KEYS.broom } as const;
export type Scope = keyof typeof SCOPES;

/** The key that has this scope and no other. */
export function keyFor(scope: Scope): string {
  return SCOPES[scope];
}

/** A key with every scope but this one. */
export function keyWithout(scope: Scope): string {
  return scope === 'read' ? KEYS.hands : KEYS.eyes;
}

/** Asks as an operator who may. */
export function ask(server: Server, method: string, path: string, body?: unknown): Promise<RestAnswer> {
  const scope = method === 'GET' ? 'read' : 'operate';
  return server.rest(method, `/admin/v1${path}`, body, keyFor(scope));
}
