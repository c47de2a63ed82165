export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
export { countLimited } from './count-limited.js';
export { networkOf } from './network-of.js';
export { FIRST_SUSPECT, Suspects } from './suspects.js';
export type { Suspicion, Suspicions } from './suspicions.js';
