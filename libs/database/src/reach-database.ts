import { setTimeout as delay } from 'node:timers/promises';
import { NotConnected } from './not-connected.js';
import { detectPooler, EncodingError, StandbyError, type DatabaseRoutes } from './pooler.js';
import { classify } from './sql-error.js';

const EVERY_MS = 1_000;

export interface ReachOptions {
  readonly url: string;
  readonly directUrl?: string | undefined;
  /** The milliseconds after which it gives up. */
  readonly waitMs: number;
  /** Called about once a second with one line, without a secret, that says what is waited for. */
  readonly onWaiting: (line: string) => void | Promise<void>;
  /** Aborts the wait, when nobody wants to know any more. */
  readonly signal?: AbortSignal;
}

/** The database cannot be used. The message is one line that names the database, and never its password. */
export class DatabaseError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DatabaseError';
  }
}

/**
 * Finds out how the database is reached, and waits while it is out of reach or a standby. Errors that no waiting mends,
 * such as a wrong password, are thrown at once.
 * @throws {@link DatabaseError}
 */
export async function reachDatabase(options: ReachOptions): Promise<DatabaseRoutes> {
  const { url, directUrl, waitMs, onWaiting, signal } = options;
  const startedAt = performance.now();
  for (;;) {
    try {
      return await detectPooler(url, directUrl);
    } catch (error) {
      const passedMs = performance.now() - startedAt;
      const line = `${describeDatabase(url)} (DATABASE_URL) ${explain(error)}`;
      if (!isWorthWaiting(error) || passedMs >= waitMs) throw new DatabaseError(line, error);
      const left = `${Math.round(passedMs / 1_000)} of ${Math.round(waitMs / 1_000)} s (DATABASE_WAIT_MS)`;
      await onWaiting(`waiting for the database, ${left}: ${line}`);
      await delay(EVERY_MS, undefined, signal ? { signal } : {});
    }
  }
}

/** Names the database without its user and password: `PostgreSQL at db.example.com:5432/name`. */
export function describeDatabase(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url.replace('@/', '@localhost/'));
  const host = searchParams.get('host') ?? (hostname || 'localhost');
  return `PostgreSQL at ${decodeURIComponent(host)}:${searchParams.get('port') ?? (port || '5432')}${pathname}`;
}

/** Codes that a repeat would meet again: refusals in these classes of SQLSTATE, and those of TLS, which have none. */
const FOR_GOOD = /^(28|3D|42)|^[A-Z_]*(CERT|SSL|TLS)/;

function isWorthWaiting(error: unknown): boolean {
  if (error instanceof StandbyError) return true;
  if (!(error instanceof NotConnected)) return classify(error) !== 'bug';
  return !FOR_GOOD.test(error.code ?? '') && !/\b(SSL|SASL)\b/.test(error.message);
}

function explain(error: unknown): string {
  if (error instanceof StandbyError || error instanceof EncodingError) return error.message;
  const cause = error instanceof NotConnected ? error.cause : error;
  const text = cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : String(cause);
  const isRefused = error instanceof NotConnected && /^(28|3D|42)/.test(error.code ?? '');
  return `${isRefused ? 'refuses the connection' : 'is out of reach'}: ${text.replace(/\s+/g, ' ')}`;
}
