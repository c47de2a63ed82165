/** Set by `npm run test:settings`: every database of the tests then carries the settings of this name. */
export const WITH_SETTINGS = 'TRUNKLINE_TEST_SETTINGS';

/**
 * What a role or a database may set for every session, as bad for us as it gets. Settings stand together that do not hide
 * each other's effect; those that the running version does not know are left out.
 */
export const HOSTILE_SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'how values are written': {
    DateStyle: 'German',
    IntervalStyle: 'sql_standard',
    TimeZone: 'America/St_Johns',
    extra_float_digits: '-15',
    bytea_output: 'escape',
    client_encoding: 'LATIN1',
    lc_messages: 'C',
    lc_monetary: 'C',
    lc_numeric: 'C',
    lc_time: 'C',
    quote_all_identifiers: 'on',
    xmlbinary: 'hex',
    xmloption: 'document',
  },
  'how values are read': {
    DateStyle: 'SQL, DMY',
    TimeZone: 'Pacific/Kiritimati',
    timezone_abbreviations: 'India',
    standard_conforming_strings: 'off',
    escape_string_warning: 'off',
    backslash_quote: 'off',
    array_nulls: 'off',
    transform_null_equals: 'on',
    exit_on_error: 'on',
    client_min_messages: 'debug5',
  },
  'how long things may take': {
    statement_timeout: '400ms',
    lock_timeout: '1ms',
    idle_in_transaction_session_timeout: '50ms',
    idle_session_timeout: '200ms',
    transaction_timeout: '300ms',
  },
  'what a transaction is': {
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    default_transaction_read_only: 'on',
  },
  'what is visible': {
    search_path: 'evil, pg_catalog, trunkline',
    row_security: 'off',
    session_replication_role: 'replica',
    check_function_bodies: 'off',
    'plpgsql.extra_errors': 'all',
    'plpgsql.check_asserts': 'on',
    default_table_access_method: 'heap',
    default_toast_compression: 'pglz',
  },
  plans: {
    enable_indexscan: 'off',
    enable_indexonlyscan: 'off',
    enable_bitmapscan: 'off',
    enable_hashjoin: 'off',
    enable_nestloop: 'off',
    enable_partition_pruning: 'off',
    constraint_exclusion: 'off',
    plan_cache_mode: 'force_custom_plan',
    jit: 'on',
    jit_above_cost: '0',
    work_mem: '64kB',
    from_collapse_limit: '1',
    join_collapse_limit: '1',
    debug_parallel_query: 'regress',
    force_parallel_mode: 'regress',
    synchronous_commit: 'off',
  },
};

/** Run in a database of its own as a superuser: the statement stands for everybody who connects to it from now on. */
export const EVIL_FUNCTIONS = `
  create schema evil;
  create function evil.clock_timestamp() returns timestamptz language sql as 'select ''epoch''::timestamptz';
  create function evil.now() returns timestamptz language sql as 'select ''epoch''::timestamptz';
  create function evil.pg_notify(text, text) returns void language sql as 'select';
  create function evil.pg_try_advisory_lock(integer, integer) returns boolean language sql as 'select false';
  create function evil.to_char(date, text) returns text language sql as 'select ''1999_01_01''';
  grant usage on schema evil to public`;

/** The statements that give a database the settings of a name. */
export function settingStatements(database: string, name: string): string[] {
  const settings = Object.entries(HOSTILE_SETTINGS[name] ?? {});
  return settings.map(([setting, value]) => {
    const values = setting === 'search_path' ? value : `'${value}'`;
    return `alter database ${database} set ${setting} = ${values}`;
  });
}
