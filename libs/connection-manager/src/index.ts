export { Heartbeats } from './heartbeats.js';
export { lockKeyOf, makeInstanceId } from './instance-id.js';
export { Lease } from './lease.js';
export { Peers } from './peers.js';
export { Registry, type ConnectionEntry } from './registry.js';
export { derivedSessionId, sessionEnded, Sessions, type Login, type SessionHolder } from './sessions.js';
export { LOCK_CLASS } from './sql/beat.sql.js';
export type { SessionRow } from './sql/sessions.sql.js';
