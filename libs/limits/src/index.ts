export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
export { countLimited } from './count-limited.js';
export { HalfOpenTransport, HalfOpenTransports } from './half-open.js';
export { Loads, type ConnectionLoad, type LoadShares } from './loads.js';
export { RequestLimiter, RequestLimits, type RequestRates } from './request-limits.js';
export { SUSPICIONS, type Suspicion, type Suspicions } from './suspicions.js';
