import type { Settings } from '#config';

/**
 * Tells expected errors from bugs: the system, the network and PostgreSQL give an error a code, and an error class of
 * its own was thrown on purpose.
 */
export function isExpected(error: unknown): boolean {
  return codeOf(error) !== '' || (error instanceof Error && error.constructor !== Error && !isProgramFault(error));
}

/** Says in one plain line what is wrong, where, and what to do about it. */
export function whyNotStarted(error: unknown, { host, port }: Pick<Settings, 'host' | 'port'>): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ') || codeOf(error);
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `another program listens on ${host}:${port} already; PORT and HOST say where this one listens`;
    case 'EADDRNOTAVAIL':
    case 'EACCES':
      return `it cannot listen there: ${text}; PORT and HOST say where`;
    case '42501':
      return `the role of DATABASE_URL lacks a right: ${text}; docs/operations.md, "Rights of the role", lists those it needs`;
    default:
      return text;
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function isProgramFault(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}
