export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
export { countLimited } from './count-limited.js';
export { ifTaken, rateLimited } from './rate-limited.js';
export type { ClusterConnections } from './shared/cluster-connections.js';
export { SharedLimits } from './shared/shared-limits.js';
