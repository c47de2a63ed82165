/** Settings of a PostgreSQL session by name, as they go into the startup packet. */
export type SessionSettings = Readonly<Record<string, string>>;

/**
 * The settings that every pooler keeps for each of its clients, because the startup packet of any driver may carry
 * them: how times are written, and what a backslash in a string means.
 */
export const POOLED_SESSION: SessionSettings = {
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  standard_conforming_strings: 'on',
};

/**
 * The settings that our statements rely on. A role, a database, `options=` of the URL and PGOPTIONS may say otherwise
 * for the sessions of others; the settings of a startup packet win over all of these.
 */
export const SESSION: SessionSettings = {
  ...POOLED_SESSION,
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  // If it were off, the nulls of an array parameter would arrive as the text NULL.
  array_nulls: 'on',
  transform_null_equals: 'off',
  // If it were on, each refused value would cost the connection.
  exit_on_error: 'off',
  // Our statements name everything with its schema, and no function of others may stand in for one of PostgreSQL's.
  search_path: 'pg_catalog, pg_temp',
  // The order of seqs rests on locks that are waited for, and on reading what was committed meanwhile.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  idle_session_timeout: '0',
  client_min_messages: 'warning',
  // Short statements over many partitions look expensive to the planner; compiling them would cost more than they do.
  jit: 'off',
  plan_cache_mode: 'auto',
};

/** Returns the settings of three timeouts, given in milliseconds; 0 means as long as it takes. */
export function timeouts(statement: number, lock: number, idleInTransaction: number): SessionSettings {
  return {
    statement_timeout: String(statement),
    lock_timeout: String(lock),
    idle_in_transaction_session_timeout: String(idleInTransaction),
  };
}
