import { startEmbeddedPostgres, type EmbeddedOptions, type EmbeddedPostgres } from '#embedded-postgres';

/**
 * Starts the embedded PostgreSQL, or with POSTGRES_BIN another one: `npm run test:pg15`.
 * @param environment variables of the server, beyond those it inherits from this process
 */
export async function startTestPostgres(
  options: EmbeddedOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<EmbeddedPostgres> {
  // This process does not change by it: the loader reads LD_PRELOAD and the like only when a process starts.
  Object.assign(process.env, environment);
  try {
    return await startEmbeddedPostgres({ ...options, binDirectory: process.env['POSTGRES_BIN'] });
  } finally {
    for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
  }
}
