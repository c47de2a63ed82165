/**
 * Every error that a client can meet, numbered once and never renumbered. The thousands digit says what to do:
 * 1 fix the request · 2 authenticate again · 3 ask for the right · 4 try again later · 5 report a bug.
 */
export const ERROR_CODES = {
  BAD_REQUEST: { code: 1000, retryable: false, means: 'The request does not have the documented shape.' },
  UNKNOWN_EVENT: { code: 1001, retryable: false, means: 'There is no request of this name.' },
  BAD_CHANNEL: {
    code: 1002,
    retryable: false,
    means:
      'The channel is not user:<id>, group:<name> or broadcast, or its name has a character or length not allowed.',
  },
  BODY_TOO_LARGE: { code: 1003, retryable: false, means: 'The JSON of data is longer than the limit.' },
  BODY_TOO_DEEP: { code: 1004, retryable: false, means: 'data is nested deeper than the limit.' },
  BODY_TOO_WIDE: { code: 1005, retryable: false, means: 'data has more keys than the limit.' },
  BAD_TEXT: { code: 1006, retryable: false, means: 'A string holds \\u0000 or half a surrogate pair.' },
  BAD_TTL: { code: 1007, retryable: false, means: 'ttlMs is not a whole number of milliseconds from 1 to one year.' },
  UNKNOWN_FIELD: {
    code: 1008,
    retryable: false,
    means: 'A field is not part of the request; sender, seq and createdAt are the server’s alone.',
  },
  ACK_BEYOND_SENT: {
    code: 1009,
    retryable: false,
    means: 'The acknowledgement names a seq not sent on this connection.',
  },
  NOT_SUBSCRIBED: { code: 1010, retryable: false, means: 'This connection does not read that channel.' },
  TOO_MANY_CHANNELS: { code: 1011, retryable: false, means: 'The connection reads as many channels as it may.' },
  NOT_FOUND: { code: 1012, retryable: false, means: 'There is no such thing.' },
  PUBLISH_ID_REUSED: {
    code: 1013,
    retryable: false,
    means: 'The publish id was used before for this channel with another body.',
  },
  BATCH_TOO_LARGE: { code: 1014, retryable: false, means: 'The batch has more items than the limit.' },
  BAD_JSON: { code: 1015, retryable: false, means: 'The body is not JSON.' },
  TOO_MANY_WATCHES: {
    code: 1016,
    retryable: false,
    means: 'The connection watches the presence of as many users and groups as it may.',
  },
  DISPLACED: {
    code: 1017,
    retryable: false,
    means: 'A newer connection of the user or address took this one’s place; do not come back by yourself.',
  },
  BAD_NUMBER: {
    code: 1018,
    retryable: false,
    means: 'data holds a number beyond what a double holds (about ±1.8e308); send it as a string.',
  },
  LIMIT_REACHED: {
    code: 1019,
    retryable: false,
    means: 'The user has as many of these as it may: devices, groups, scheduled messages; the text says of what.',
  },
  TOKEN_MISSING: { code: 2001, retryable: false, means: 'The handshake carries no auth.token.' },
  TOKEN_INVALID: {
    code: 2002,
    retryable: false,
    means: 'The token is not one of ours, or not as it should be; the text says what is wrong.',
  },
  TOKEN_EXPIRED: {
    code: 2003,
    retryable: false,
    means: 'The token is past its exp, by more than the tolerance for clocks.',
  },
  API_KEY_INVALID: { code: 2004, retryable: false, means: 'The request has no valid API key.' },
  SESSION_ENDED: {
    code: 2005,
    retryable: false,
    means:
      'The session of the token has ended by logout, revocation, expiry or inactivity, or the token itself was revoked: log in again.',
  },
  USER_BANNED: {
    code: 2006,
    retryable: false,
    means: 'An operator keeps this user out; no token lets it in until that ends.',
  },
  FORBIDDEN: { code: 3001, retryable: false, means: 'The token or the key does not grant this.' },
  UNAVAILABLE: { code: 4001, retryable: true, means: 'The database is out of reach; nothing was stored.' },
  OUTCOME_UNKNOWN: {
    code: 4002,
    retryable: true,
    means: 'The connection to the database broke during the commit. Repeat with the same publishId.',
  },
  OVERLOADED: {
    code: 4003,
    retryable: true,
    retryAfterMs: 1_000,
    means: 'Too much is waiting already; the error always has its `retryAfterMs`. An `ack` is taken all the same.',
  },
  DRAINING: { code: 4004, retryable: true, means: 'This instance is shutting down; connect again.' },
  NOT_ACKNOWLEDGING: {
    code: 4005,
    retryable: true,
    means: 'The connection left messages unacknowledged too often and was closed; the messages stay stored.',
  },
  INSTANCE_FULL: { code: 4006, retryable: true, means: 'This instance has as many connections as it may.' },
  USER_FULL: {
    code: 4007,
    retryable: true,
    means: 'The user has as many connections as it may, here or on all instances.',
  },
  ADDRESS_FULL: { code: 4008, retryable: true, means: 'The address has as many connections here as it may.' },
  DISCONNECTED: { code: 4009, retryable: true, means: 'An operator closed the connection; connect again.' },
  RATE_LIMITED: {
    code: 4010,
    retryable: true,
    retryAfterMs: 1_000,
    means:
      'Too much in too short a time, of this connection, user, address or key; the error always has its `retryAfterMs`. Who goes on before that is closed.',
  },
  CLUSTER_FULL: { code: 4011, retryable: true, means: 'All instances together have as many connections as they may.' },
  INTERNAL: { code: 5000, retryable: false, means: 'A fault of the server; it is in its log.' },
} as const satisfies Record<string, { code: number; retryable: boolean; retryAfterMs?: number; means: string }>;

export type ErrorName = keyof typeof ERROR_CODES;

export interface ProtocolErrorOptions extends ErrorOptions {
  /** The delay after which a retry is worthwhile, where the throwing side knows it better than the table above. */
  readonly retryAfterMs?: number;
}

/** An error that a client may see as it is; wherever it is thrown, the edges answer with {@link toWire}. */
export class ProtocolError extends Error {
  readonly code: number;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly errorName: ErrorName,
    message: string,
    options: ProtocolErrorOptions = {},
  ) {
    super(message, options);
    this.name = 'ProtocolError';
    const known: { code: number; retryable: boolean; retryAfterMs?: number } = ERROR_CODES[errorName];
    this.code = known.code;
    this.retryable = known.retryable;
    this.retryAfterMs = options.retryAfterMs ?? known.retryAfterMs;
  }

  /** True if the client has to authenticate again. The message is then our own and holds nothing of the token. */
  get isOfToken(): boolean {
    return Math.trunc(this.code / 1_000) === 2;
  }

  toWire(): WireError {
    const { code, message, retryable, retryAfterMs } = this;
    return { code, message, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

export interface WireError {
  code: number;
  message: string;
  retryable: boolean;
  retryAfterMs?: number | undefined;
}
