export type EmbeddedPostgresErrorCode =
  | 'EMBEDDED_BINARIES_MISSING'
  | 'EMBEDDED_BINARIES_UNUSABLE'
  | 'EMBEDDED_ACCOUNT_MISSING'
  | 'EMBEDDED_DIRECTORY_UNUSABLE'
  | 'EMBEDDED_PARAMETER_INVALID'
  | 'EMBEDDED_PASSWORD_LOST'
  | 'EMBEDDED_INITDB_FAILED'
  | 'EMBEDDED_PORT_IN_USE'
  | 'EMBEDDED_START_FAILED'
  | 'EMBEDDED_STOP_FAILED'
  | 'EMBEDDED_SESSION_FAILED'
  | 'EMBEDDED_LOCK_TIMEOUT'
  | 'EMBEDDED_STATE_TIMEOUT';

/** These two mean that a wait took too long, so the same call may succeed later. */
const RETRYABLE: ReadonlySet<EmbeddedPostgresErrorCode> = new Set(['EMBEDDED_LOCK_TIMEOUT', 'EMBEDDED_STATE_TIMEOUT']);

/** The error of everything that this folder throws on purpose. Its message is the problem followed by the remedy. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly retryable: boolean;

  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    problem: string,
    readonly remedy: string,
    cause?: unknown,
  ) {
    super(`${problem} ${remedy}`, cause === undefined ? undefined : { cause });
    this.retryable = RETRYABLE.has(code);
  }
}

/**
 * Returns the `code` of an error of Node's (`ENOENT`, `EACCES`, …) or of pg's (an SQLSTATE), if it has one. It looks
 * for the property and not for the class, because a test runner's sandbox has an Error of its own.
 */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Runs `work` and turns what the file system refuses (EACCES, ENOSPC, EROFS, …) into our error. */
export async function namingTheRemedy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall, message } = (error ?? {}) as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new EmbeddedPostgresError(
      'EMBEDDED_DIRECTORY_UNUSABLE',
      `The directory of the embedded PostgreSQL cannot be used: ${message}.`,
      'Give this account write access (or delete what another account left there), or set DATABASE_URL.',
      error,
    );
  }
}
