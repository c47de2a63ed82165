export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
export { countLimited } from './count-limited.js';
export { FairQueue, type FairQueueOptions } from './fair-queue.js';
