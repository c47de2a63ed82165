/**
 * What an error of PostgreSQL or its connection means for the one who asked:
 * `refused`: nothing happened, the database is out of reach or full; try again later ·
 * `unknown`: the connection broke underway, the statement may have been committed ·
 * `conflict`: rolled back, the same again may succeed at once · `data`: the input's fault, never again ·
 * `bug`: ours; so is what breaks a constraint, since no input may: the keys are ours.
 */
export type SqlFault = 'refused' | 'unknown' | 'conflict' | 'data' | 'bug';

const STATES: Readonly<Record<string, SqlFault>> = {
  '57P03': 'refused', // cannot_connect_now: starting or stopping
  '53300': 'refused', // too_many_connections
  '53100': 'refused', // disk_full
  '53200': 'refused', // out_of_memory
  '25006': 'refused', // read_only_sql_transaction: failed over, this is the standby now
  '57P01': 'unknown', // admin_shutdown: also when the backend is terminated while it waits for a synchronous standby
  '57P02': 'unknown', // crash_shutdown
  '40001': 'conflict', // serialization_failure
  '40P01': 'conflict', // deadlock_detected
  '55P03': 'conflict', // lock_not_available
  '57014': 'conflict', // query_canceled: statement timeout
};

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOENT']);
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']);

export function classify(error: unknown): SqlFault {
  if (!(error instanceof Error)) return 'bug';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (NEVER_SENT.has(code) || /timeout exceeded when trying to connect|timeout expired/.test(error.message))
    return 'refused';
  const known = STATES[code];
  if (known) return known;
  if (/^(22|54)/.test(code)) return 'data';
  // connection_exception: a pooler's word for whatever happened between it and PostgreSQL
  if (code.startsWith('08')) return 'unknown';
  // node-postgres gives these without a code
  if (
    BROKEN.has(code) ||
    /terminated|Query read timeout|not queryable|connection error|Connection ended/i.test(error.message)
  ) {
    return 'unknown';
  }
  return 'bug';
}

/** A constraint was broken (class 23): the statement was rolled back, and not everything in it need be to blame. */
export function breaksConstraint(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('23');
}

/** True if trying again later may help; `unknown` only for those who can repeat without harm. */
export function isPassing(error: unknown): boolean {
  const fault = classify(error);
  return fault === 'refused' || fault === 'unknown' || fault === 'conflict';
}
