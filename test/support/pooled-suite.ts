/** Set by `npm run test:pgbouncer`: servers then reach the PostgreSQL that all tests share through a PgBouncer. */
export const WITH_POOLER = 'TRUNKLINE_TEST_PGBOUNCER';
/** Says where that PgBouncer listens. */
export const POOLER_HOST = 'TRUNKLINE_TEST_POOLER_HOST';

/**
 * Makes the database addresses of a server. A test that has put something of its own in between, or has its own
 * PostgreSQL, keeps its address.
 */
export function databaseEnv(databaseUrl: string): Record<string, string> {
  const pooler = process.env[POOLER_HOST];
  const shared = process.env['TRUNKLINE_TEST_URL'];
  const pooled = new URL(databaseUrl);
  if (pooler === undefined || shared === undefined || new URL(shared).host !== pooled.host) {
    return { DATABASE_URL: databaseUrl };
  }
  pooled.host = pooler;
  return { DATABASE_URL: pooled.href, DATABASE_DIRECT_URL: databaseUrl };
}
