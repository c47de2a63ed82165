export { lockKeyOf, makeInstanceId } from './instance-id.js';
export { Lease } from './lease.js';
export { Peers } from './peers.js';
export { Registry, type ConnectionEntry } from './registry.js';
export { LOCK_CLASS } from './sql/beat.sql.js';
