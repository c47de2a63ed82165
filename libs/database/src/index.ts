export { backoffMs } from './backoff.js';
export { Batcher } from './batcher.js';
export type { PoolUse } from './database-metrics.js';
export { Database, type PoolName } from './database.js';
export {
  DedicatedSession,
  type DedicatedSessionOptions,
  type OpenSession,
  type SessionTenant,
} from './dedicated-session.js';
export { deleteInBatches } from './delete-in-batches.js';
export { migrate, type Migration } from './migrator.js';
export { detectPooler, type DatabaseRoutes } from './pooler.js';
export { DatabaseError, reachDatabase } from './reach-database.js';
export { withRetry } from './retry.js';
export { breaksConstraint, classify, isHeld, isPassing } from './sql-error.js';
export { statement, type Statement } from './statement.js';
export { tableSizes, type TableSizeRow } from './table-sizes.js';
export { plainArray, textArray } from './text-array.js';
export { unsafeSettings } from './unsafe-settings.js';
export { withResolvers, type WithResolvers } from './with-resolvers.js';
export { wrongSessionSettings } from './wrong-session-settings.js';
