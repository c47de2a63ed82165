import { Client } from 'pg';
import { SUPERUSER } from './create-cluster.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

export interface ServerAddress {
  readonly port: number;
  readonly password: string;
}

export const DATABASE = 'trunkline';
const HOST = '127.0.0.1';
const TIMEOUT_MS = 30_000;

export function connectionUrl({ port, password }: ServerAddress): string {
  return `postgres://${SUPERUSER}:${encodeURIComponent(password)}@${HOST}:${port}/${DATABASE}`;
}

/**
 * Connects to the database `postgres`, not to `trunkline`, because a session there would keep others from dropping that
 * database or using it as a template.
 */
export async function openSession(
  { port, password }: ServerAddress,
  applicationName: string,
  onError: (error: Error) => void,
): Promise<Client> {
  const client = new Client({
    ...{ host: HOST, port, user: SUPERUSER, password, database: 'postgres' },
    application_name: applicationName,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    // This is set, because otherwise PGSSLMODE in the environment would decide.
    ssl: false,
  });
  client.on('error', onError);
  try {
    await client.connect();
    return client;
  } catch (cause) {
    throw sessionFailed(port, cause);
  }
}

/** Creates the database if it is missing, as after a first start that was interrupted. Call it under the lock. */
export async function ensureDatabase(client: Client): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
}

export function sessionFailed(port: number, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_SESSION_FAILED',
    `A session with the embedded PostgreSQL on port ${port} failed: ${String(cause)}.`,
    'Try again; see pg.log; if the password is wrong, restore pg-password.',
    cause,
  );
}
