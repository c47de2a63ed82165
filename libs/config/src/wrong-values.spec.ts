import { readSettings, SettingsError } from './read-settings.js';
import { ALL_SETTINGS } from './settings.js';

const SECRET = 'hunter2-hunter2';

/** For each variable a value that it refuses, and what its line has to say is allowed. */
const WRONG: [variable: string, value: string, allowed: string][] = [
  ['NODE_ENV', 'staging', 'development, production, test'],
  ['PORT', 'http', 'whole number from 0 to 65535'],
  ['PORT', '65536', 'whole number from 0 to 65535'],
  ['PORT', '-1', 'whole number from 0 to 65535'],
  ['PORT', '80.5', 'whole number from 0 to 65535'],
  ['PORT', ' 80', 'whole number from 0 to 65535'],
  ['PORT', '0x50', 'whole number from 0 to 65535'],
  ['PORT', '9'.repeat(400), 'whole number from 0 to 65535'],
  ['INSTANCE_ID', 'a b', '1 to 45 of'],
  ['INSTANCE_ID', 'x'.repeat(46), '1 to 45 of'],
  ['INSTANCE_ID', 'a"; drop table', '1 to 45 of'],
  ['DATABASE_URL', `mysql://root:${SECRET}@db/x`, 'postgres://'],
  ['DATABASE_DIRECT_URL', `root:${SECRET}@db`, 'postgres://'],
  ['DATABASE_URL', `postgres://ann:${SECRET}@one:5432,two:5432/db`, 'several hosts'],
  ['DATABASE_URL', `postgres://ann:${SECRET}@/db?host=one,two`, 'several hosts'],
  ['DATABASE_DIRECT_URL', `postgres://ann:${SECRET}/#@one/db`, 'is not a URL'],
  ['DATABASE_SCHEMA', 'x'.repeat(18), '1 to 17 of a-z 0-9 _'],
  ['DATABASE_SCHEMA', 'Billing', '1 to 17 of a-z 0-9 _'],
  ['DATABASE_SCHEMA', '1st', 'begin with no digit'],
  ['DATABASE_SCHEMA', 'a"; drop table', '1 to 17 of a-z 0-9 _'],
  ['DATABASE_SCHEMA', 'pg_chat', 'must not be public'],
  ['DATABASE_SCHEMA', 'public', 'must not be public'],
  ['DATABASE_WAIT_MS', 'long', 'whole number from 0'],
  ['POSTGRES_BIN', 'bin', 'absolute path'],
  ['DATABASE_POOL', '0', 'whole number from 1 to 50'],
  ['JWT_SECRET', SECRET, 'at least 32 characters'],
  ['JWT_SECRET', 'a'.repeat(32), 'too easy to guess'],
  ['JWT_SECRET', 'abcdefghij'.repeat(4), 'too easy to guess'],
  ['JWT_SECRET', '0123012301230123012301230123012301230', 'too easy to guess'],
  ['JWT_SECRET', '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n', 'is a key file'],
  ['JWT_SECRET', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 ann@example', 'is a key file'],
  ['JWT_SECRET', '{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXE","e":"AQAB"}', 'is a key file'],
  ['KEY_REQUESTS_PER_S', 'many', 'whole number from 0'],
  ['KEY_BYTES_PER_S', '-1', 'whole number from 0'],
  ['STRANGER_REQUESTS_PER_S', '1.5', 'whole number from 0'],
  ['SUSPICIONS_PER_MINUTE', 'few', 'whole number from 0'],
  ['MAX_PENDING_PER_ADDRESS', 'few', 'whole number from 0'],
  ['API_DOCS', 'yes', 'on'],
  ['HEALTH_DETAILS', 'no', 'off'],
  ['API_KEYS', SECRET, 'name:secret'],
  ['API_KEYS', `shop:${SECRET}`, '16 to 200 characters'],
  ['API_KEYS', `shop:${SECRET}${SECRET},crm`, 'name:secret'],
  ['API_KEYS', ' , ', 'name:secret'],
  ['ADMIN_API_KEYS', SECRET, 'name:secret:scope+scope'],
  ['ADMIN_API_KEYS', `ops:${SECRET}${SECRET}`, 'read, operate, purge'],
  ['ADMIN_API_KEYS', `ops:${SECRET}${SECRET}:read+write`, 'read, operate, purge'],
  ['ADMIN_API_KEYS', `ops:${SECRET}:read`, '16 to 200 characters'],
  ['ADMIN_API_KEYS', `ops:${SECRET}${SECRET}:read,ops:${SECRET}${SECRET}:purge`, 'one key twice'],
  ['ADMIN_AUDIT_DAYS', '3651', '0 to 3650'],
  ['TRUNKLINE_URL', 'localhost:3000', 'http://127.0.0.1:3000'],
  ['TRUNKLINE_API_KEY', `${SECRET} ${SECRET}`, 'one key'],
  ['TRUNKLINE_ADMIN_KEY', `${SECRET} ${SECRET}`, 'one key'],
  ['TRUST_PROXY', 'everybody', 'addresses or networks'],
  ['TRUST_PROXY', '10.0.0.0/33', 'addresses or networks'],
  ['CORS_ORIGINS', 'example.com', 'https://app.example.com'],
  ['CORS_ORIGINS', 'https://a.example,https://b.example/', 'https://b.example/ is neither'],
  ['CORS_ORIGINS', 'https://a.example/app', 'without path'],
  ['CORS_ORIGINS', 'https://*.example.com', 'wildcard'],
  ['CORS_ORIGINS', 'https://a.example:443', 'default port'],
  ['CORS_ORIGINS', 'https://A.example', 'as browsers send them'],
  ['MAX_CONNECTIONS', '0', 'whole number from 1'],
  ['MAX_CONNECTIONS_PER_USER', 'few', 'whole number from 0'],
  ['MAX_PUBLISHES_PER_USER_PER_S', 'few', 'whole number from 0'],
  ['MAX_PUBLISHES_PER_KEY_PER_S', 'few', 'whole number from 0'],
  ['MAX_LOGINS_PER_USER_PER_MIN', 'few', 'whole number from 0'],
  ['MAX_CLUSTER_CONNECTIONS', 'few', 'whole number from 0'],
  ['MAX_CLUSTER_CONNECTIONS_PER_USER', 'few', 'whole number from 0'],
  ['MAX_CONNECTIONS_PER_ADDRESS', '-1', 'whole number from 0'],
  ['AT_CONNECTION_CAP', 'toss', 'refuse-newest, close-oldest'],
  ['MAX_OPENING', '0', 'whole number from 1'],
  ['MAX_REQUESTS_PER_S', '1e3', 'whole number from 0'],
  ['MAX_REQUESTS_PER_S_PER_USER', '-1', 'whole number from 0'],
  ['MAX_BYTES_PER_S', '1 MB', 'whole number from 0'],
  ['MAX_BYTES_PER_S_PER_USER', '2g', 'whole number from 0'],
  ['MAX_ACKS_PER_S', 'many', 'whole number from 0'],
  ['MAX_ACKS_PER_S_PER_USER', '0.5', 'whole number from 0'],
  ['MAX_WAITING_BYTES', '2 MB', 'whole number from 0'],
  ['MAX_WAITING_BYTES_PER_USER', '-8', 'whole number from 0'],
  ['MAX_WAITING_BYTES_IN_ALL', 'all', 'whole number from 0'],
  ['MAX_HALF_OPEN', '0', 'whole number from 1'],
  ['CONNECT_TIMEOUT_MS', '99', 'whole number from 100'],
  ['MAX_HANDSHAKES_PER_S_PER_ADDRESS', '1000001', 'whole number from 0'],
  ['MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS', 'none', 'whole number from 0'],
  ['METRICS', 'yes', 'on, off'],
  ['METRICS_PORT', '65536', 'whole number from 0 to 65535'],
  ['METRICS_TOKEN', SECRET, '16 to 200 characters'],
  ['TRACING', 'yes', 'on, off'],
  ['DRAIN_RECONNECTS_PER_S', '0', 'whole number from 1'],
  ['RETENTION_FORCE', 'yes', 'on, off'],
  ['IDLE_DEVICE_DAYS', '-1', 'whole number from 0'],
  ['CRON_DEAD_INSTANCES', 'hourly', 'cron expression'],
  ['CRON_EXPIRED_MESSAGES', 'hourly', 'cron expression'],
  ['CRON_PARTITIONS', 'hourly', 'cron expression'],
  ['CRON_DEDUPE_WINDOW', 'hourly', 'cron expression'],
  ['CRON_IDLE_DEVICES', 'hourly', 'cron expression'],
  ['CRON_ORPHANS', 'hourly', 'cron expression'],
  ['CRON_STALE_CONNECTIONS', 'hourly', 'cron expression'],
  ['CRON_ENDED_SESSIONS', 'hourly', 'cron expression'],
  ['CRON_JOB_RUNS', 'hourly', 'cron expression'],
  ['MAX_DEVICES_PER_USER', '-1', '0 to 100000'],
  ['MAX_GROUPS_PER_USER', 'many', '0 to 100000'],
  ['MAX_SCHEDULED_PER_USER', '1e3', '0 to 1000000'],
  ['LOG_LEVEL', 'loud', 'fatal, error, warn, info, debug, trace, silent'],
  ['LOG_FORMAT', 'xml', 'auto, json, pretty'],
  ['MAX_MESSAGE_BYTES', '0', '1 to 1048576'],
  ['MAX_MESSAGE_DEPTH', '101', '1 to 100'],
  ['MAX_MESSAGE_KEYS', '0', '1 to 100000'],
  ['MAX_CHANNELS', '0', '1 to 10000'],
  ['RECEIPTS_MAX_MEMBERS', '-1', '0 to 1000000'],
  ['MAX_WAITING_PUBLISHES', 'many', '1 to 1000000'],
  ['PUBLISH_DEADLINE_MS', '99', '100 to 60000'],
  ['WINDOW_MESSAGES', '0', '1 to 10000'],
  ['WINDOW_BYTES', '1023', '1024 to 67108864'],
  ['ACK_TIMEOUT_MS', '5s', '100 to 600000'],
  ['ACK_FLUSH_MS', '-1', '0 to 10000'],
  ['MAX_ATTEMPTS', '0', '1 to 100'],
  ['MAX_TOTAL_ATTEMPTS', '10001', '0 to 10000'],
  ['TTL_USER_MS', '-1', '0 to 31536000000'],
  ['TTL_GROUP_MS', '1h', '0 to 31536000000'],
  ['TTL_BROADCAST_MS', '1e9', '0 to 31536000000'],
  ['OUTBOX_POLL_MS', '9', '10 to 60000'],
  ['NOTIFY', 'true', 'on, off'],
  ['POLL_MS', '49', '50 to 60000'],
  ['LEASE_MS', '1999', '2000 to 600000'],
  ['BEAT_MS', '199', '200 to 60000'],
  ['PING_INTERVAL_MS', '0', '1000 to 60000'],
  ['PING_TIMEOUT_MS', '8s', '1000 to 60000'],
  ['HEARTBEAT_MS', '199', '200 to 600000'],
  ['CONNECTION_TIMEOUT_MS', '999', '1000 to 3600000'],
  ['PRESENCE_DEBOUNCE_MS', '-1', '0 to 60000'],
  ['MAX_WATCHES', '0', '1 to 10000'],
  ['HISTORY_FROM_JOIN', 'user:ann', 'group:private-*'],
  ['TOKEN_NOTICE_MS', '1m', '0 to 86400000'],
  ['TOKEN_CLOCK_TOLERANCE_MS', '10s', '0 to 600000'],
  ['SESSION_IDLE_DAYS', '0', '1 to 3650'],
  ['SESSION_RETENTION_DAYS', '0', '1 to 3650'],
  ['RETENTION_DAYS', '0', '1 to 3650'],
  ['RETENTION_MAX_DAYS', '0', 'RETENTION_MAX_DAYS is "0", must be a whole number from 1 to 3650'],
  ['DEDUPE_HOURS', '0', '1 to 720'],
  ['DRAIN_TIMEOUT_MS', '600001', '0 to 600000'],
];

/** These variables take any text; an empty one means that they are not set. */
const FREE = ['HOST', 'METRICS_HOST', 'TRUNKLINE_DIR'];

describe('a wrong value', () => {
  it.each(WRONG)('%s=%j is refused with one line that says what is allowed', (variable, value, allowed) => {
    const line = refusal({ [variable]: value });
    expect(line).toMatch(new RegExp(`^${variable}\\b`));
    expect(line).toContain(allowed);
    expect(line).not.toContain('\n');
    expect(line.length).toBeLessThan(250);
  });

  it('is tried here with a wrong value for every variable there is', () => {
    const tried = new Set([...WRONG.map(([variable]) => variable), ...FREE]);
    const variables = ALL_SETTINGS.map(({ variable }) => variable);
    expect(variables.filter((variable) => !tried.has(variable))).toEqual([]);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('is shown unless it may be a secret', () => {
    expect(refusal({ PORT: 'http' })).toContain('"http"');
    expect(refusal({ PORT: 'a\nb' })).toContain('"a\\nb"');
    for (const [variable, value] of WRONG.filter(([, wrong]) => wrong.includes(SECRET))) {
      expect(refusal({ [variable]: value })).not.toContain(SECRET);
    }
  });
});

function refusal(env: Record<string, string>): string {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(env)}`);
}
