import type { OwnPostgres } from '../../support/own-postgres.js';

/** Makes PostgreSQL log each statement with the name of its session, which is exact whatever else is running. */
export const LOG_STATEMENTS = { log_statement: 'all', log_line_prefix: '[%a] ' };

/** Counts the statements so far on the connections that answer probes. */
export async function healthQueries(postgres: Pick<OwnPostgres, 'log'>): Promise<number> {
  const log = await postgres.log();
  return log.match(/^\[trunkline \S+ health\] LOG: {2}(execute|statement)/gm)?.length ?? 0;
}
