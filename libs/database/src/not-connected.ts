/**
 * There was no connection to PostgreSQL, for whatever reason the server, a pooler, TLS, DNS or the pool gave. So
 * nothing happened, and repeating the call is safe.
 */
export class NotConnected extends Error {
  /** The SQLSTATE, or the code of Node's error. */
  readonly code: string | undefined;

  constructor(cause: unknown) {
    const code = codeOf(cause);
    super(`no connection to PostgreSQL: ${textOf(cause) || code || 'unknown error'}`, { cause });
    this.name = 'NotConnected';
    this.code = code;
  }
}

/** Returns the error's text. It is empty for an error that stands for several, as of a name with several addresses. */
function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
