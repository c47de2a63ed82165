import type { Database } from './database.js';
import { SESSION } from './session-settings.js';
import { statement } from './statement.js';

/** Settings for which another value is no danger: it is only slower, or we change it ourselves. */
const HARMLESS = [
  'jit',
  'plan_cache_mode',
  'client_min_messages',
  'IntervalStyle',
  'search_path',
  'idle_session_timeout',
  'bytea_output',
];
const NEEDED = Object.entries(SESSION).filter(([name]) => !HARMLESS.includes(name));
/** A shorter timeout would end statements with which nothing is wrong. */
const TIMEOUT_MIN_MS = 1_000;

interface SettingRow {
  name: string;
  setting: string;
}

const READ_SESSION = statement<SettingRow>(
  'read_session',
  'work',
  `select name, setting from pg_settings
    where lower(name) = any($1::text[])
       or name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
    union all
   select 'search_path', current_setting('search_path') where (current_schemas(true))[1] !~ '^pg_'`,
);

/**
 * Returns the settings of our sessions that break what we rely on, as `name=value`; an empty list is good. Behind a
 * pooler, which lets us set few of them, they are those of the role and the database.
 */
export async function wrongSessionSettings(database: Database): Promise<string[]> {
  const rows = await database.rows(READ_SESSION, [NEEDED.map(([name]) => name.toLowerCase())]);
  return rows.filter(isWrong).map(({ name, setting }) => `${name}=${setting}`);
}

function isWrong({ name, setting }: SettingRow): boolean {
  if (name.endsWith('_timeout')) return Number(setting) > 0 && Number(setting) < TIMEOUT_MIN_MS;
  if (name === 'extra_float_digits') return Number(setting) < 0;
  const wanted = NEEDED.find(([needed]) => needed.toLowerCase() === name.toLowerCase());
  return wanted?.[1] !== setting;
}
