import type { LimitVariables } from './limit-variables.js';

/** The rates of one connection or user. */
interface SendingRates {
  readonly requestsPerS: number;
  readonly bytesPerS: number;
  readonly acksPerS: number;
}

/** The limits of one client, user, address or key. */
export interface LimitSettings {
  /** The limits of REST, addresses and strangers on an instance. */
  readonly rest: {
    /** 0: any number; so below. */
    readonly keyRequestsPerS: number;
    readonly keyBytesPerS: number;
    readonly strangerRequestsPerS: number;
    readonly suspicionsPerMinute: number;
    readonly maxPendingPerAddress: number;
    readonly hasDocs: boolean;
    readonly showsHealth: boolean;
  };
  readonly sockets: {
    /** 0: no limit; so below. */
    readonly perConnection: SendingRates;
    readonly perUser: SendingRates;
    readonly maxWaitingBytes: { readonly connection: number; readonly user: number; readonly instance: number };
    readonly maxHalfOpen: number;
    readonly connectTimeoutMs: number;
    readonly handshakesPerS: number;
    readonly refusedTokensPerS: number;
  };
  /** The caps on what one user owns; 0: any number. */
  readonly owned: { readonly maxDevices: number; readonly maxGroups: number; readonly maxScheduled: number };
  /** The limits of all instances together; 0: any number. */
  readonly sharedLimits: {
    readonly publishesPerUserPerS: number;
    readonly publishesPerKeyPerS: number;
    readonly loginsPerUserPerMin: number;
    readonly connections: number;
    readonly connectionsPerUser: number;
  };
}

export function toLimitSettings(env: LimitVariables, isProduction: boolean): LimitSettings {
  return {
    rest: toRest(env, isProduction),
    sockets: toSockets(env),
    owned: {
      maxDevices: env.MAX_DEVICES_PER_USER,
      maxGroups: env.MAX_GROUPS_PER_USER,
      maxScheduled: env.MAX_SCHEDULED_PER_USER,
    },
    sharedLimits: toSharedLimits(env),
  };
}

function toRest(env: LimitVariables, isProduction: boolean): LimitSettings['rest'] {
  const { API_DOCS = isProduction ? 'off' : 'on', HEALTH_DETAILS = isProduction ? 'off' : 'on' } = env;
  return {
    keyRequestsPerS: env.KEY_REQUESTS_PER_S,
    keyBytesPerS: env.KEY_BYTES_PER_S,
    strangerRequestsPerS: env.STRANGER_REQUESTS_PER_S,
    suspicionsPerMinute: env.SUSPICIONS_PER_MINUTE,
    maxPendingPerAddress: env.MAX_PENDING_PER_ADDRESS,
    hasDocs: API_DOCS === 'on',
    showsHealth: HEALTH_DETAILS === 'on',
  };
}

function toSockets(env: LimitVariables): LimitSettings['sockets'] {
  return {
    perConnection: {
      requestsPerS: env.MAX_REQUESTS_PER_S,
      bytesPerS: env.MAX_BYTES_PER_S,
      acksPerS: env.MAX_ACKS_PER_S,
    },
    perUser: {
      requestsPerS: env.MAX_REQUESTS_PER_S_PER_USER,
      bytesPerS: env.MAX_BYTES_PER_S_PER_USER,
      acksPerS: env.MAX_ACKS_PER_S_PER_USER,
    },
    maxWaitingBytes: {
      connection: env.MAX_WAITING_BYTES,
      user: env.MAX_WAITING_BYTES_PER_USER,
      instance: env.MAX_WAITING_BYTES_IN_ALL,
    },
    maxHalfOpen: env.MAX_HALF_OPEN,
    connectTimeoutMs: env.CONNECT_TIMEOUT_MS,
    handshakesPerS: env.MAX_HANDSHAKES_PER_S_PER_ADDRESS,
    refusedTokensPerS: env.MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS,
  };
}

function toSharedLimits(env: LimitVariables): LimitSettings['sharedLimits'] {
  return {
    publishesPerUserPerS: env.MAX_PUBLISHES_PER_USER_PER_S,
    publishesPerKeyPerS: env.MAX_PUBLISHES_PER_KEY_PER_S,
    loginsPerUserPerMin: env.MAX_LOGINS_PER_USER_PER_MIN,
    connections: env.MAX_CLUSTER_CONNECTIONS,
    connectionsPerUser: env.MAX_CLUSTER_CONNECTIONS_PER_USER,
  };
}
