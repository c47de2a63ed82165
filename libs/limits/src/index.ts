export { Bucket, type Rate } from './bucket.js';
export { Buckets } from './buckets.js';
