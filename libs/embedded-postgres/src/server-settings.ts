import { EmbeddedPostgresError } from './embedded-postgres-error.js';

const DEFAULTS = { max_connections: '300', timezone: 'UTC', log_timezone: 'UTC' } as const;

/**
 * Returns the text behind `pg_ctl -o`, which a shell takes apart. fsync and synchronous_commit keep their defaults
 * (on), because what Trunkline promises about durability shall hold in a demo, too.
 */
export function serverOptions(port: number, parameters: Readonly<Record<string, string>>): string {
  const settings: Record<string, string> = {
    ...DEFAULTS,
    ...parameters,
    // These come last, because they are not up for choice: loopback only, and no socket file, whose path could exceed
    // the 107 bytes that the kernel allows.
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${quoteForShell(`${checkedName(name)}=${value}`)}`)
    .join(' ');
}

function checkedName(name: string): string {
  if (/^[a-z_][a-z0-9_.]*$/i.test(name)) return name;
  throw new EmbeddedPostgresError(
    'EMBEDDED_PARAMETER_INVALID',
    `${JSON.stringify(name)} is not the name of a PostgreSQL setting.`,
    'Use letters, digits, underscores and dots, as in work_mem.',
  );
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
