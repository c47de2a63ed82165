export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
export { countLimited } from './count-limited.js';
export { networkOf } from './network-of.js';
export { FIRST_SUSPECT, SuspectList } from './suspect-list.js';
export type { SuspectRow } from './sql/suspects.sql.js';
export { Suspects } from './suspects.js';
export type { Suspicion, Suspicions } from './suspicions.js';
