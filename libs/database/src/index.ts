export { backoffMs } from './backoff.js';
export { Batcher, BatcherFullError } from './batcher.js';
export { Database, type PoolName } from './database.js';
export { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded/embedded-postgres.js';
export { Listener } from './listener.js';
export { migrate, type Migration } from './migrator.js';
export { withRetry } from './retry.js';
export { classify } from './sql-fault.js';
export { statement, type Statement } from './statement.js';
