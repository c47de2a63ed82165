import { setting } from '../setting.js';
import { daysToMs, whole } from '../variable-types.js';

/** How an instance stays registered among its peers. */
export const registry = {
  leaseMs: setting('LEASE_MS', whole(2_000, 600_000), {
    default: 20_000,
    doc: 'an instance silent for this long is given up',
  }),
  beatMs: setting('BEAT_MS', whole(200, 60_000), { default: 5_000, doc: 'how often an instance renews its lease' }),
};

export const connections = {
  pingIntervalMs: setting('PING_INTERVAL_MS', whole(1_000, 60_000), {
    default: 10_000,
    doc: 'how often the server pings each client',
  }),
  pingTimeoutMs: setting('PING_TIMEOUT_MS', whole(1_000, 60_000), {
    default: 8_000,
    doc: 'a client that has not answered a ping by then has left',
  }),
  heartbeatMs: setting('HEARTBEAT_MS', whole(200, 600_000), {
    default: 30_000,
    doc: 'how often an instance writes down which of its connections gave a sign of life, all in one statement',
  }),
};

export const presence = {
  debounceMs: setting('PRESENCE_DEBOUNCE_MS', whole(0, 60_000), {
    default: 2_000,
    doc: 'a user who comes back within this time was never announced as gone',
  }),
  maxWatches: setting('MAX_WATCHES', whole(1, 10_000), {
    default: 100,
    doc: 'users and groups whose presence a connection may watch',
  }),
};

export const sessions = {
  tokenNoticeMs: setting('TOKEN_NOTICE_MS', whole(0, 86_400_000), {
    default: 60_000,
    doc: 'how long before the end of its token a client is told',
  }),
  clockToleranceMs: setting('TOKEN_CLOCK_TOLERANCE_MS', whole(0, 600_000), {
    default: 10_000,
    doc: 'how far the clocks of the issuer of tokens and of the servers may differ: a token is good for as long before its nbf and after its exp, and a revocation of everything issued so far spares what was issued in this time before it and never shown',
  }),
  idleMs: setting('SESSION_IDLE_DAYS', whole(1, 3_650), {
    default: 30,
    doc: 'a session without a connection for this long has ended',
  }).as(daysToMs),
  retentionMs: setting('SESSION_RETENTION_DAYS', whole(1, 3_650), {
    default: 30,
    doc: 'how long ended sessions are kept',
  }).as(daysToMs),
};
