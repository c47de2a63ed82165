import { startEmbeddedPostgres, type EmbeddedOptions, type EmbeddedPostgres } from '#database';

/** The embedded PostgreSQL, or with POSTGRES_BIN another one: `npm run test:pg15`. */
export function startTestPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ ...options, binDirectory: process.env['POSTGRES_BIN'] });
}
