import { cleanup, retention } from './declaration/cleanup.js';
import { connections, registry } from './declaration/connections.js';
import { isProduction } from './declaration/is-production.js';
import { publish } from './declaration/messages.js';
import { metrics } from './declaration/process.js';
import type { Read } from './setting.js';

/** The rules between settings. A rule gives the line of the error, or undefined if it holds. */
export const RULES: readonly ((read: Read) => string | undefined)[] = [
  (read) => {
    const [beatMs, leaseMs] = [read(registry.beatMs), read(registry.leaseMs)];
    if (beatMs * 3 <= leaseMs) return undefined;
    return `BEAT_MS is ${beatMs}, must be at most a third of LEASE_MS (${leaseMs})`;
  },
  (read) => {
    const timeoutMs = read(cleanup.connectionTimeoutMs);
    const [heartbeatMs, pingMs] = [read(connections.heartbeatMs), read(connections.pingIntervalMs)];
    if (heartbeatMs * 2 + pingMs <= timeoutMs) return undefined;
    return `CONNECTION_TIMEOUT_MS is ${timeoutMs}, must be at least two HEARTBEAT_MS (${heartbeatMs}) and a PING_INTERVAL_MS (${pingMs})`;
  },
  (read) => {
    const [dedupeHours, days] = [read(publish.dedupeHours), read(retention.days)];
    if (dedupeHours <= days * 24) return undefined;
    return `DEDUPE_HOURS is ${dedupeHours}, must not exceed RETENTION_DAYS (${days} days)`;
  },
  (read) => {
    const [maxDays, days] = [read(retention.maxDays), read(retention.days)];
    if (maxDays >= days) return undefined;
    return `RETENTION_MAX_DAYS is ${maxDays}, must be at least RETENTION_DAYS (${days})`;
  },
  (read) => {
    if (!read(isProduction) || !read(metrics.isOn)) return undefined;
    if (read(metrics.port) !== undefined || read(metrics.token) !== undefined) return undefined;
    return 'METRICS is on, must come with METRICS_PORT or METRICS_TOKEN when NODE_ENV=production: PORT is open to everybody';
  },
];
