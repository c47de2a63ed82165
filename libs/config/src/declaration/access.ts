import { setting } from '../setting.js';
import { adminKeys, apiKeys, choice, httpUrl, jwtSecret, networks, oneKey, origins, whole } from '../variable-types.js';

export const auth = {
  jwtSecret: setting('JWT_SECRET', jwtSecret, {
    isSecret: true,
    isRequiredInProduction: true,
    doc: 'HS256 secret of the tokens; left out in development: made once and kept in TRUNKLINE_DIR',
  }),
  apiKeys: setting('API_KEYS', apiKeys, {
    isSecret: true,
    isRequiredInProduction: true,
    doc: 'name:secret[,name:secret] for REST; left out in development: made once and kept in TRUNKLINE_DIR',
  }),
  corsOrigins: setting('CORS_ORIGINS', origins, {
    default: [],
    doc: 'browser origins that may connect (scheme://host), by commas; * for all; left out in development: any on localhost',
  }),
};

export const admin = {
  keys: setting('ADMIN_API_KEYS', adminKeys, {
    isSecret: true,
    doc: 'name:secret:scopes[,…] for the admin REST, scopes of read, operate, purge joined by +; left out: there is none',
  }).as((keys) => keys ?? []),
  auditDays: setting('ADMIN_AUDIT_DAYS', whole(0, 3_650), {
    default: 365,
    doc: 'how long changes through the admin REST are remembered; 0: for ever',
  }),
};

/** Which connections an instance takes, and how many. */
export const admission = {
  trustedProxies: setting('TRUST_PROXY', networks, {
    default: [],
    doc: 'addresses or networks of the load balancers whose X-Forwarded-For tells the address of a client, separated by commas',
  }),
  maxConnections: setting('MAX_CONNECTIONS', whole(1, 1_000_000), {
    default: 10_000,
    doc: 'connections of an instance before more are refused (4006)',
  }),
  maxPerUser: setting('MAX_CONNECTIONS_PER_USER', whole(0, 100_000), {
    default: 100,
    doc: 'of one user on an instance (4007); 0: any number',
  }),
  maxPerAddress: setting('MAX_CONNECTIONS_PER_ADDRESS', whole(0, 1_000_000), {
    default: 0,
    doc: 'of one address on an instance (4008); 0: any number, as behind a load balancer that TRUST_PROXY does not name',
  }),
  /** At the cap of a user or an address, the oldest connection makes room; if false, the newest is refused. */
  isOldestOut: setting('AT_CONNECTION_CAP', choice('refuse-newest', 'close-oldest'), {
    default: 'refuse-newest',
    doc: 'what happens at the cap of a user or an address',
  }).as((atCap) => atCap === 'close-oldest'),
  maxOpening: setting('MAX_OPENING', whole(1, 100_000), {
    default: 500,
    doc: 'connections being opened, or waiting for it, before more are told when to come back (4003)',
  }),
};

/** The server that the command line talks to, and the keys it shows there. */
export const client = {
  url: setting('TRUNKLINE_URL', httpUrl, {
    doc: 'for the command line: the server; left out: http://127.0.0.1 at PORT',
  }).as((url) => url?.replace(/\/+$/, '')),
  apiKey: setting('TRUNKLINE_API_KEY', oneKey, {
    isSecret: true,
    doc: 'for the command line: the secret of an API key; left out: the first of API_KEYS',
  }),
  adminKey: setting('TRUNKLINE_ADMIN_KEY', oneKey, {
    isSecret: true,
    doc: 'for the command line: the secret of an admin key; left out: the first of ADMIN_API_KEYS',
  }),
};
