import { Client, type ClientConfig } from 'pg';

/** Set by `npm run test:settings`: every database of the tests then carries the group of settings of this name. */
export const WITH_SETTINGS = 'TRUNKLINE_TEST_SETTINGS';

/**
 * Groups of the worst settings that a role or a database may set for every session. Settings stand in one group if they
 * do not hide each other's effect. Those that the running version does not know are left out.
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
    restrict_nonsystem_relation_kind: 'view',
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

/** The settings of the tests' own sessions, see {@link connectPlainly}. */
const PLAIN_SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  exit_on_error: 'off',
  client_min_messages: 'notice',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  default_transaction_read_only: 'off',
  session_replication_role: 'origin',
  restrict_nonsystem_relation_kind: '',
  search_path: 'public',
};
/** Sets those that the version knows and the role may set. */
const SET_PLAIN = `select set_config(name, wanted.value, false)
                     from unnest($1::text[], $2::text[]) as wanted (named, value)
                     join pg_catalog.pg_settings on lower(name) = lower(named)
                    where context = 'user' or (select rolsuper from pg_catalog.pg_roles where rolname = current_user)`;

/**
 * Opens a session of a test. It judges what the servers did, and must not be misled or ended by settings that the
 * servers have to live with. What an application publishes under such settings is shown by
 * test/long/hostile-settings.spec.ts.
 */
export async function connectPlainly(config: ClientConfig): Promise<Client> {
  const client = new Client(config);
  // A statement under way reports the error itself, and between two statements it does not matter.
  client.on('error', () => undefined);
  await client.connect();
  await makePlain(client);
  return client;
}

/** Gives a session that a test already has, such as that of an ORM, plain settings, see {@link connectPlainly}. */
export async function makePlain(session: { query(text: string, values: unknown[]): Promise<unknown> }): Promise<void> {
  if (process.env[WITH_SETTINGS] === undefined) return;
  await session.query(SET_PLAIN, [Object.keys(PLAIN_SETTINGS), Object.values(PLAIN_SETTINGS)]);
}

/**
 * Functions that shadow those of PostgreSQL. A superuser runs this in a database of its own, and everybody who connects
 * to that database meets them from then on.
 */
export const EVIL_FUNCTIONS = `
  create schema evil;
  create function evil.clock_timestamp() returns timestamptz language sql as 'select ''epoch''::timestamptz';
  create function evil.now() returns timestamptz language sql as 'select ''epoch''::timestamptz';
  create function evil.pg_notify(text, text) returns void language sql as 'select';
  create function evil.pg_try_advisory_lock(integer, integer) returns boolean language sql as 'select false';
  create function evil.to_char(date, text) returns text language sql as 'select ''1999_01_01''';
  grant usage on schema evil to public`;

/** Makes the statements that give a database the settings of a group. */
export function settingStatements(database: string, name: string): string[] {
  const settings = Object.entries(HOSTILE_SETTINGS[name] ?? {});
  return settings.map(([setting, value]) => {
    const values = setting === 'search_path' ? value : `'${value}'`;
    return `alter database ${database} set ${setting} = ${values}`;
  });
}
