import type { IncomingMessage } from 'node:http';
import type { AdminScope } from '#protocol';

/** Who asks, by the key that was shown. */
export interface Caller {
  readonly kind: 'api' | 'admin' | 'metrics';
  /** The name of the key. */
  readonly name: string;
  /** What an operator may do; empty for all others. */
  readonly scopes: ReadonlySet<AdminScope>;
}

const callers = new WeakMap<IncomingMessage, Caller>();

/** Undefined: no key was shown that is good on this path. */
export function callerOf(request: IncomingMessage): Caller | undefined {
  return callers.get(request);
}

/** Called by the doorkeeper alone. */
export function setCaller(request: IncomingMessage, caller: Caller): void {
  callers.set(request, caller);
}
