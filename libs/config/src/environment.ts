import { z } from 'zod';
import { LimitVariables } from './limit-variables.js';
import {
  adminKeys,
  apiKeys,
  choice,
  cron,
  groupPatterns,
  httpUrl,
  jwtSecret,
  networks,
  origins,
  postgresUrl,
  ttl,
  whole,
} from './variable.js';

/** Every environment variable there is, with its default, what is allowed, and what it is for. */
export const Environment = z.object({
  NODE_ENV: choice(['development', 'production', 'test'], 'development').describe(
    'production refuses the embedded database, generated secrets and API keys',
  ),
  HOST: z.string().min(1).optional().describe('address to listen on; left out: 127.0.0.1, in production 0.0.0.0'),
  PORT: whole(0, 65_535, 3000).describe('0 takes any free port'),
  INSTANCE_ID: z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,45}$/, 'must be 1 to 45 of A-Z a-z 0-9 _ . -, and not . or ..')
    .optional()
    .describe('left out: host name, pid and a random part'),
  DATABASE_URL: postgresUrl.optional().describe('PostgreSQL 15 to 18; left out: an embedded one, for development only'),
  DATABASE_DIRECT_URL: postgresUrl
    .optional()
    .describe('for LISTEN and migrations, when DATABASE_URL goes through a transaction pooler'),
  DATABASE_WAIT_MS: whole(0, 86_400_000, 60_000).describe(
    'how long a start waits for a database that is out of reach, or that is a standby, before it ends with exit code 1',
  ),
  DATABASE_POOL: whole(1, 50, 4).describe('connections for the hot path; as many again serve REST'),
  POSTGRES_BIN: z
    .string()
    .startsWith('/', 'must be an absolute path')
    .optional()
    .describe('initdb and pg_ctl of the embedded PostgreSQL are in this directory; left out: those installed with npm'),
  TRUNKLINE_DIR: z.string().min(1).default('.trunkline').describe('embedded database and generated secrets'),
  JWT_SECRET: jwtSecret
    .optional()
    .describe('HS256 secret of the tokens; left out in development: made once and kept in TRUNKLINE_DIR'),
  API_KEYS: apiKeys
    .optional()
    .describe('name:secret[,name:secret] for REST; left out in development: made once and kept in TRUNKLINE_DIR'),
  ADMIN_API_KEYS: adminKeys
    .optional()
    .describe(
      'name:secret:scopes[,…] for the admin REST, scopes of read, operate, purge joined by +; left out: there is none',
    ),
  CORS_ORIGINS: origins
    .default([])
    .describe(
      'browser origins that may connect (scheme://host), by commas; * for all; left out in development: any on localhost',
    ),
  TRUST_PROXY: networks
    .default([])
    .describe(
      'addresses or networks of the load balancers whose X-Forwarded-For tells the address of a client, separated by commas',
    ),
  MAX_CONNECTIONS: whole(1, 1_000_000, 10_000).describe('connections of an instance before more are refused (4006)'),
  MAX_CONNECTIONS_PER_USER: whole(0, 100_000, 100).describe('of one user on an instance (4007); 0: any number'),
  MAX_CONNECTIONS_PER_ADDRESS: whole(0, 1_000_000, 0).describe(
    'of one address on an instance (4008); 0: any number, as behind a load balancer that TRUST_PROXY does not name',
  ),
  AT_CONNECTION_CAP: choice(['refuse-newest', 'close-oldest'], 'refuse-newest').describe(
    'what happens at the cap of a user or an address',
  ),
  MAX_OPENING: whole(1, 100_000, 500).describe(
    'connections being opened, or waiting for it, before more are told when to come back (4003)',
  ),
  ...LimitVariables.shape,
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  METRICS: choice(['on', 'off'], 'off').describe(
    'on: /metrics for Prometheus; production wants METRICS_PORT or METRICS_TOKEN with it',
  ),
  METRICS_PORT: whole(0, 65_535, 0)
    .unwrap()
    .optional()
    .describe('its own listener; 0 takes any free port; left out: a path of PORT'),
  METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('address that METRICS_PORT listens on'),
  METRICS_TOKEN: z
    .string()
    .regex(/^\S{16,200}$/, 'must be 16 to 200 characters without spaces')
    .optional()
    .describe('a scrape has to show it as Authorization: Bearer; left out: whoever reaches the listener may read'),
  TRACING: choice(['on', 'off'], 'off').describe(
    'on: spans for the OpenTelemetry SDK that the process runs with, and trace context in messages',
  ),
  LOG_FORMAT: choice(['auto', 'json', 'pretty'], 'auto').describe(
    'auto: pretty on a terminal, with the package pino-pretty; in production json',
  ),
  MAX_MESSAGE_BYTES: whole(1, 1_048_576, 65_536).describe('longest JSON of a message body'),
  MAX_MESSAGE_DEPTH: whole(1, 100, 32).describe('deepest nesting of a message body'),
  MAX_MESSAGE_KEYS: whole(1, 100_000, 1_000).describe('most keys in a message body'),
  MAX_CHANNELS: whole(1, 10_000, 500).describe(
    'channels a connection may read before it may not subscribe or join any more',
  ),
  HISTORY_FROM_JOIN: groupPatterns
    .default([])
    .describe(
      'groups, or patterns like group:private-*, whose history a member reads only from its joining on, unless its token grants subscribe; separated by commas, * for all; left out: members read all of it',
    ),
  RECEIPTS_MAX_MEMBERS: whole(0, 1_000_000, 100).describe(
    'members up to which a group gives receipts to whoever publishes there; in a larger group, and in broadcast, a publish that asks for them is refused (3001) unless its token grants receipts; 0: in groups of any size and in broadcast',
  ),
  MAX_WAITING_PUBLISHES: whole(1, 1_000_000, 20_000).describe(
    'publishes waiting for a commit before more are refused (4003); of one user a tenth of them, of one API key a half, and 2000 of each at least',
  ),
  PUBLISH_DEADLINE_MS: whole(100, 60_000, 4_000).describe('a publish not stored by then is refused as retryable'),
  WINDOW_MESSAGES: whole(1, 10_000, 256).describe('unacknowledged messages in flight per connection'),
  WINDOW_BYTES: whole(1_024, 67_108_864, 262_144).describe('unacknowledged bytes in flight per connection'),
  ACK_TIMEOUT_MS: whole(100, 600_000, 10_000).describe(
    'a connection that has acknowledged nothing new for this long: what it was sent counts as failed and is tried again',
  ),
  ACK_FLUSH_MS: whole(0, 10_000, 100).describe('acknowledgements are written this often'),
  MAX_ATTEMPTS: whole(1, 100, 5).describe('then the connection is closed; its messages stay stored'),
  MAX_TOTAL_ATTEMPTS: whole(0, 10_000, 0).describe(
    'failed attempts, on all connections, after which a message is given up for a device and listed as dead; 0: never',
  ),
  TTL_USER_MS: ttl().describe('how long a message to an inbox may be delivered, unless it says; 0: until retention'),
  TTL_GROUP_MS: ttl().describe('the same for groups'),
  TTL_BROADCAST_MS: ttl().describe('the same for broadcast'),
  OUTBOX_POLL_MS: whole(10, 60_000, 100).describe('how often messages published from SQL or due are looked for'),
  NOTIFY: choice(['on', 'off'], 'on').describe('off: instances find messages by polling alone'),
  POLL_MS: whole(50, 60_000, 1_500).describe('how often an instance looks for messages no hint told it of'),
  LEASE_MS: whole(2_000, 600_000, 20_000).describe('an instance silent for this long is given up'),
  BEAT_MS: whole(200, 60_000, 5_000).describe('how often an instance renews its lease'),
  PING_INTERVAL_MS: whole(1_000, 60_000, 10_000).describe('how often the server pings each client'),
  PING_TIMEOUT_MS: whole(1_000, 60_000, 8_000).describe('a client that has not answered a ping by then has left'),
  HEARTBEAT_MS: whole(200, 600_000, 30_000).describe(
    'how often an instance writes down which of its connections gave a sign of life, all in one statement',
  ),
  CONNECTION_TIMEOUT_MS: whole(1_000, 3_600_000, 120_000).describe(
    'a connection without a sign of life for this long is removed from the registry',
  ),
  PRESENCE_DEBOUNCE_MS: whole(0, 60_000, 2_000).describe(
    'a user who comes back within this time was never announced as gone',
  ),
  MAX_WATCHES: whole(1, 10_000, 100).describe('users and groups whose presence a connection may watch'),
  TOKEN_NOTICE_MS: whole(0, 86_400_000, 60_000).describe('how long before the end of its token a client is told'),
  TOKEN_CLOCK_TOLERANCE_MS: whole(0, 600_000, 10_000).describe(
    'how far the clocks of the issuer of tokens and of the servers may differ: a token is good for as long before its nbf and after its exp, and a revocation of everything issued so far spares what was issued in this time before it and never shown',
  ),
  SESSION_IDLE_DAYS: whole(1, 3_650, 30).describe('a session without a connection for this long has ended'),
  SESSION_RETENTION_DAYS: whole(1, 3_650, 30).describe('how long ended sessions are kept'),
  RETENTION_DAYS: whole(1, 3_650, 7).describe('messages older than this are dropped'),
  RETENTION_MAX_DAYS: whole(1, 3_650, 0)
    .unwrap()
    .optional()
    .describe(
      'messages that a device is still to receive are dropped, too, after so many days in which the service ran; left out: 30, or the longer one of RETENTION_DAYS and IDLE_DEVICE_DAYS',
    ),
  RETENTION_FORCE: choice(['on', 'off'], 'off').describe(
    'on: messages past RETENTION_DAYS are dropped whether they were delivered or not',
  ),
  IDLE_DEVICE_DAYS: whole(0, 3_650, 30).describe(
    'a device not seen for this long is forgotten, and no message kept for it any more; 0: never',
  ),
  DEDUPE_HOURS: whole(1, 720, 24).describe('how long a publish id is remembered'),
  ADMIN_AUDIT_DAYS: whole(0, 3_650, 365).describe(
    'how long changes through the admin REST are remembered; 0: for ever',
  ),
  CRON_DEAD_INSTANCES: cron('* * * * * *').describe('when each instance looks for peers that died'),
  CRON_EXPIRED_MESSAGES: cron('0 * * * * *').describe('when expired and cancelled messages lose their bodies'),
  CRON_PARTITIONS: cron('10 */10 * * * *').describe('when partitions are made ahead, and dropped past retention'),
  CRON_DEDUPE_WINDOW: cron('20 */10 * * * *').describe('when publish ids past DEDUPE_HOURS are dropped'),
  CRON_IDLE_DEVICES: cron('30 5 * * * *').describe('when idle devices are forgotten'),
  CRON_STALE_CONNECTIONS: cron('35 */5 * * * *').describe('when connections without a sign of life are removed'),
  CRON_ENDED_SESSIONS: cron('45 */5 * * * *').describe('when sessions are ended, and old ones deleted'),
  CRON_ORPHANS: cron('40 */10 * * * *').describe('when rows of instances that are not registered are removed'),
  CRON_JOB_RUNS: cron('50 15 * * * *').describe('when old runs of jobs are removed from job_runs'),
  DRAIN_TIMEOUT_MS: whole(0, 600_000, 25_000).describe('SIGTERM to exit, at most'),
  DRAIN_RECONNECTS_PER_S: whole(1, 100_000, 250).describe(
    'clients a draining instance sends elsewhere each second; 0.7 of DRAIN_TIMEOUT_MS must suffice for all, or they go faster',
  ),
  TRUNKLINE_URL: httpUrl.optional().describe('for the command line: the server; left out: http://127.0.0.1 at PORT'),
  TRUNKLINE_API_KEY: z
    .string()
    .regex(/^\S{1,200}$/, 'must be one key')
    .optional()
    .describe('for the command line: the secret of an API key; left out: the first of API_KEYS'),
  TRUNKLINE_ADMIN_KEY: z
    .string()
    .regex(/^\S{1,200}$/, 'must be one key')
    .optional()
    .describe('for the command line: the secret of an admin key; left out: the first of ADMIN_API_KEYS'),
});
export type Environment = z.infer<typeof Environment>;
