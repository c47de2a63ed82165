import { NotConnected } from './not-connected.js';

/**
 * What an error of PostgreSQL or its connection means for the caller:
 * `refused`: nothing happened, the database is out of reach or full; try again later ·
 * `unknown`: the connection broke underway, the statement may have been committed ·
 * `conflict`: rolled back, the same again may succeed at once · `data`: the input's fault, never again ·
 * `bug`: our own fault; so is a broken constraint, because the keys are ours and no input may break one.
 */
export type SqlErrorKind = 'refused' | 'unknown' | 'conflict' | 'data' | 'bug';

const STATES: Readonly<Record<string, SqlErrorKind>> = {
  '57P03': 'refused', // cannot_connect_now: starting or stopping
  '57P05': 'refused', // idle_session_timeout: hit while nothing was asked
  '25006': 'refused', // read_only_sql_transaction: failed over, this is the standby now
  '0A000': 'refused', // feature_not_supported: unlogged tables on a standby; a prepared plan that a migration outdated
  '57P01': 'unknown', // admin_shutdown: also when the backend is terminated while it waits for a synchronous standby
  '57P02': 'unknown', // crash_shutdown
  '40001': 'conflict', // serialization_failure
  '40P01': 'conflict', // deadlock_detected
  '55P03': 'conflict', // lock_not_available
  '57014': 'conflict', // query_canceled: statement timeout
  '25P03': 'conflict', // idle_in_transaction_session_timeout
  '25P04': 'conflict', // transaction_timeout
};

/** What the other errors mean, by the first two letters of their SQLSTATE. */
const CLASSES: Readonly<Record<string, SqlErrorKind>> = {
  '53': 'refused', // insufficient_resources: disk, memory, connections
  '58': 'refused', // system_error: the disk failed under the statement, which was rolled back
  '28': 'refused', // invalid_authorization: while connecting, or later from a pooler that connects when first asked
  '3D': 'refused', // invalid_catalog_name: at the same times
  '22': 'data',
  '54': 'data',
  '08': 'unknown', // connection_exception: a pooler's word for whatever happened between it and PostgreSQL
};

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']);
/** Texts of errors that node-postgres gives without a code. */
const BROKEN_TEXT = /terminated|Query read timeout|not queryable|connection error|Connection ended/i;

export function classify(error: unknown): SqlErrorKind {
  if (error instanceof NotConnected) return 'refused';
  if (!(error instanceof Error)) return 'bug';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = STATES[code] ?? CLASSES[code.slice(0, 2)];
  if (known) return known;
  return BROKEN.has(code) || BROKEN_TEXT.test(error.message) || isFatal(error) ? 'unknown' : 'bug';
}

/** True if the session ended with the error. */
function isFatal(error: Error): boolean {
  return 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC');
}

/** True if a constraint was broken (class 23): the statement was rolled back, and not all in it need be to blame. */
export function breaksConstraint(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('23');
}

/** True if somebody else held what was to be locked: nothing is wrong, unlike with a statement that took too long. */
export function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01');
}

/** True if trying again later may help; for `unknown` only a caller that can repeat without harm may do so. */
export function isPassing(error: unknown): boolean {
  const kind = classify(error);
  return kind === 'refused' || kind === 'unknown' || kind === 'conflict';
}
