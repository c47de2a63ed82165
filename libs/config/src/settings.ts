import { resolve } from 'node:path';
import type { Environment } from './environment.js';
import { toLimitSettings, type LimitSettings } from './limit-settings.js';

/** All that can be set, as one typed, frozen object; the root module hands it to every lib. */
export interface Settings extends LimitSettings {
  readonly isProduction: boolean;
  readonly host: string;
  readonly port: number;
  readonly instanceId: string | undefined;
  /** Absolute; embedded database and generated secrets. */
  readonly directory: string;
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly metrics: {
    readonly isOn: boolean;
    /** Undefined: a path of the main port. */
    readonly port: number | undefined;
    readonly host: string;
    readonly token: string | undefined;
  };
  readonly isTracing: boolean;
  readonly logFormat: Environment['LOG_FORMAT'];
  readonly drain: { readonly timeoutMs: number; readonly reconnectsPerS: number };
  readonly database: {
    /** Undefined: embedded. */
    readonly url: string | undefined;
    readonly directUrl: string | undefined;
    /** How long a start waits for a database that is out of reach or a standby. */
    readonly waitMs: number;
    readonly poolSize: number;
    /** Of the embedded PostgreSQL's programs. */
    readonly binDirectory: string | undefined;
  };
  readonly auth: {
    readonly jwtSecret: string | undefined;
    /** name:secret pairs. */
    readonly apiKeys: readonly string[] | undefined;
    readonly corsOrigins: readonly string[];
  };
  readonly admin: {
    /** name:secret:scope+scope; none: there is no admin REST. */
    readonly keys: readonly string[];
    /** 0: for ever. */
    readonly auditDays: number;
  };
  /** What the command line talks to, and as whom. */
  readonly client: {
    /** Undefined: a server on this machine. */
    readonly url: string | undefined;
    readonly apiKey: string | undefined;
    readonly adminKey: string | undefined;
  };
  readonly admission: {
    /** Addresses and networks. */
    readonly trustedProxies: readonly string[];
    readonly maxConnections: number;
    /** 0: any number; so below. */
    readonly maxPerUser: number;
    readonly maxPerAddress: number;
    readonly maxOpening: number;
    readonly isOldestOut: boolean;
  };
  readonly body: { readonly maxBytes: number; readonly maxDepth: number; readonly maxKeys: number };
  readonly publish: { readonly maxWaiting: number; readonly deadlineMs: number; readonly dedupeHours: number };
  readonly delivery: {
    readonly maxChannels: number;
    readonly windowMessages: number;
    readonly windowBytes: number;
    readonly ackTimeoutMs: number;
    readonly ackFlushMs: number;
    readonly maxAttempts: number;
    readonly maxTotalAttempts: number;
    readonly outboxPollMs: number;
    readonly defaultTtlMs: { readonly user: number; readonly group: number; readonly broadcast: number };
    readonly pollMs: number;
    readonly isNotifyOn: boolean;
    readonly historyFromJoin: readonly string[];
    readonly receiptsMaxMembers: number;
  };
  readonly registry: { readonly leaseMs: number; readonly beatMs: number };
  readonly connections: {
    readonly pingIntervalMs: number;
    readonly pingTimeoutMs: number;
    readonly heartbeatMs: number;
  };
  readonly presence: { readonly debounceMs: number; readonly maxWatches: number };
  readonly sessions: {
    readonly tokenNoticeMs: number;
    readonly clockToleranceMs: number;
    readonly idleMs: number;
    readonly retentionMs: number;
  };
  readonly retention: { readonly days: number; readonly maxDays: number; readonly isForced: boolean };
  readonly cleanup: {
    /** 0: never. */
    readonly idleDeviceDays: number;
    readonly connectionTimeoutMs: number;
    /** Cron expressions, with seconds. */
    readonly cron: {
      readonly deadInstances: string;
      readonly expiredMessages: string;
      readonly partitions: string;
      readonly dedupeWindow: string;
      readonly idleDevices: string;
      readonly staleConnections: string;
      readonly endedSessions: string;
      readonly orphans: string;
      readonly jobRuns: string;
    };
  };
}

/** Settings with the secrets and the database address that are found or made at the start. */
export interface ResolvedSettings extends Settings {
  readonly database: Settings['database'] & {
    readonly url: string;
    /** A pooler stands in between: nothing of a session lasts longer than a transaction. */
    readonly isPooled: boolean;
    /** For LISTEN and migrations; undefined: every way leads through a pooler. */
    readonly listenUrl: string | undefined;
  };
  readonly auth: Settings['auth'] & { readonly jwtSecret: string; readonly apiKeys: readonly string[] };
}

/** Injection token of {@link ResolvedSettings}. */
export const SETTINGS = Symbol('settings');

const DAY_MS = 86_400_000;

export function toSettings(env: Environment): Settings {
  const isProduction = env.NODE_ENV === 'production';
  return {
    isProduction,
    host: env.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    port: env.PORT,
    instanceId: env.INSTANCE_ID,
    directory: resolve(env.TRUNKLINE_DIR),
    ...toWatching(env, isProduction),
    drain: { timeoutMs: env.DRAIN_TIMEOUT_MS, reconnectsPerS: env.DRAIN_RECONNECTS_PER_S },
    database: toDatabase(env),
    auth: { jwtSecret: env.JWT_SECRET, apiKeys: env.API_KEYS, corsOrigins: env.CORS_ORIGINS },
    admin: { keys: env.ADMIN_API_KEYS ?? [], auditDays: env.ADMIN_AUDIT_DAYS },
    client: toClient(env),
    admission: {
      trustedProxies: env.TRUST_PROXY,
      maxConnections: env.MAX_CONNECTIONS,
      maxPerUser: env.MAX_CONNECTIONS_PER_USER,
      maxPerAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
      maxOpening: env.MAX_OPENING,
      isOldestOut: env.AT_CONNECTION_CAP === 'close-oldest',
    },
    ...toLimitSettings(env, isProduction),
    body: { maxBytes: env.MAX_MESSAGE_BYTES, maxDepth: env.MAX_MESSAGE_DEPTH, maxKeys: env.MAX_MESSAGE_KEYS },
    publish: {
      maxWaiting: env.MAX_WAITING_PUBLISHES,
      deadlineMs: env.PUBLISH_DEADLINE_MS,
      dedupeHours: env.DEDUPE_HOURS,
    },
    delivery: toDelivery(env),
    registry: { leaseMs: env.LEASE_MS, beatMs: env.BEAT_MS },
    ...toPeople(env),
    retention: toRetention(env),
    cleanup: toCleanup(env),
  };
}

/** What is still to be received is kept as long as its devices are remembered, and they for 30 days unless it is set. */
const LEAST_MAX_DAYS = 30;

function toRetention(env: Environment): Settings['retention'] {
  const { RETENTION_DAYS: days, IDLE_DEVICE_DAYS: idleDays, RETENTION_MAX_DAYS: maxDays } = env;
  return { days, maxDays: maxDays ?? Math.max(LEAST_MAX_DAYS, days, idleDays), isForced: env.RETENTION_FORCE === 'on' };
}

function toDelivery(env: Environment): Settings['delivery'] {
  return {
    maxChannels: env.MAX_CHANNELS,
    windowMessages: env.WINDOW_MESSAGES,
    windowBytes: env.WINDOW_BYTES,
    ackTimeoutMs: env.ACK_TIMEOUT_MS,
    ackFlushMs: env.ACK_FLUSH_MS,
    maxAttempts: env.MAX_ATTEMPTS,
    maxTotalAttempts: env.MAX_TOTAL_ATTEMPTS,
    outboxPollMs: env.OUTBOX_POLL_MS,
    defaultTtlMs: { user: env.TTL_USER_MS, group: env.TTL_GROUP_MS, broadcast: env.TTL_BROADCAST_MS },
    pollMs: env.POLL_MS,
    isNotifyOn: env.NOTIFY === 'on',
    historyFromJoin: env.HISTORY_FROM_JOIN,
    receiptsMaxMembers: env.RECEIPTS_MAX_MEMBERS,
  };
}

function toWatching(
  env: Environment,
  isProduction: boolean,
): Pick<Settings, 'logLevel' | 'logFormat' | 'metrics' | 'isTracing'> {
  return {
    logLevel: env.LOG_LEVEL,
    logFormat: isProduction ? 'json' : env.LOG_FORMAT,
    metrics: toMetrics(env),
    isTracing: env.TRACING === 'on',
  };
}

function toMetrics(env: Environment): Settings['metrics'] {
  return { isOn: env.METRICS === 'on', port: env.METRICS_PORT, host: env.METRICS_HOST, token: env.METRICS_TOKEN };
}

function toClient(env: Environment): Settings['client'] {
  return {
    url: env.TRUNKLINE_URL?.replace(/\/+$/, ''),
    apiKey: env.TRUNKLINE_API_KEY,
    adminKey: env.TRUNKLINE_ADMIN_KEY,
  };
}

function toDatabase(env: Environment): Settings['database'] {
  return {
    url: env.DATABASE_URL,
    directUrl: env.DATABASE_DIRECT_URL,
    waitMs: env.DATABASE_WAIT_MS,
    poolSize: env.DATABASE_POOL,
    binDirectory: env.POSTGRES_BIN,
  };
}

function toPeople(env: Environment): Pick<Settings, 'connections' | 'presence' | 'sessions'> {
  return {
    connections: {
      pingIntervalMs: env.PING_INTERVAL_MS,
      pingTimeoutMs: env.PING_TIMEOUT_MS,
      heartbeatMs: env.HEARTBEAT_MS,
    },
    presence: { debounceMs: env.PRESENCE_DEBOUNCE_MS, maxWatches: env.MAX_WATCHES },
    sessions: {
      tokenNoticeMs: env.TOKEN_NOTICE_MS,
      clockToleranceMs: env.TOKEN_CLOCK_TOLERANCE_MS,
      idleMs: env.SESSION_IDLE_DAYS * DAY_MS,
      retentionMs: env.SESSION_RETENTION_DAYS * DAY_MS,
    },
  };
}

function toCleanup(env: Environment): Settings['cleanup'] {
  return {
    idleDeviceDays: env.IDLE_DEVICE_DAYS,
    connectionTimeoutMs: env.CONNECTION_TIMEOUT_MS,
    cron: {
      deadInstances: env.CRON_DEAD_INSTANCES,
      expiredMessages: env.CRON_EXPIRED_MESSAGES,
      partitions: env.CRON_PARTITIONS,
      dedupeWindow: env.CRON_DEDUPE_WINDOW,
      idleDevices: env.CRON_IDLE_DEVICES,
      staleConnections: env.CRON_STALE_CONNECTIONS,
      endedSessions: env.CRON_ENDED_SESSIONS,
      orphans: env.CRON_ORPHANS,
      jobRuns: env.CRON_JOB_RUNS,
    },
  };
}
