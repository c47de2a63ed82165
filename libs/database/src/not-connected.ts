/**
 * There was no connection to PostgreSQL, for whatever reason the server, a pooler, TLS, DNS or the pool gave: so nothing
 * happened, and the same again is safe.
 */
export class NotConnected extends Error {
  /** SQLSTATE or the code of Node. */
  readonly code: string | undefined;

  constructor(cause: unknown) {
    const code = codeOf(cause);
    super(`no connection to PostgreSQL: ${textOf(cause) || code || 'unknown error'}`, { cause });
    this.name = 'NotConnected';
    this.code = code;
  }
}

/** An error of several, as of a name with several addresses, has no text of its own. */
function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
