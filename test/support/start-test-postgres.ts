import { startEmbeddedPostgres, type EmbeddedOptions, type EmbeddedPostgres } from '#database';

/**
 * The embedded PostgreSQL, or with POSTGRES_BIN another one: `npm run test:pg15`.
 * @param environment of the server, beyond what it inherits from this process
 */
export async function startTestPostgres(
  options: EmbeddedOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<EmbeddedPostgres> {
  // This process is none the wiser: the loader reads LD_PRELOAD and the like at the start of a process only.
  Object.assign(process.env, environment);
  try {
    return await startEmbeddedPostgres({ ...options, binDirectory: process.env['POSTGRES_BIN'] });
  } finally {
    for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
  }
}
