import type { IncomingMessage } from 'node:http';
import type { AdminScope } from '#protocol';

/** The holder of the key that a request has shown. */
export interface Caller {
  readonly kind: 'api' | 'admin' | 'metrics';
  /** The name of the key. */
  readonly name: string;
  /** The scopes of an operator's key; every other caller has none. */
  readonly scopes: ReadonlySet<AdminScope>;
}

const callers = new WeakMap<IncomingMessage, Caller>();

/** Undefined means that the request has shown no key that is valid on its path. */
export function callerOf(request: IncomingMessage): Caller | undefined {
  return callers.get(request);
}

/** Only the doorkeeper calls this. */
export function setCaller(request: IncomingMessage, caller: Caller): void {
  callers.set(request, caller);
}
