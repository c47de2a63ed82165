import { setting } from '../setting.js';
import { cron, isOn, onOff, whole } from '../variable-types.js';

const days = setting('RETENTION_DAYS', whole(1, 3_650), { default: 7, doc: 'messages older than this are dropped' });
const idleDeviceDays = setting('IDLE_DEVICE_DAYS', whole(0, 3_650), {
  default: 30,
  doc: 'a device not seen for this long is forgotten, and no message kept for it any more; 0: never',
});

/** Devices are remembered for 30 days by default, and what they are still to receive is kept for as long. */
const LEAST_MAX_DAYS = 30;

export const retention = {
  days,
  maxDays: setting('RETENTION_MAX_DAYS', whole(1, 3_650), {
    doc: 'messages that a device is still to receive are dropped, too, after so many days in which the service ran; left out: 30, or the longer one of RETENTION_DAYS and IDLE_DEVICE_DAYS',
  }).as((maxDays, read) => maxDays ?? Math.max(LEAST_MAX_DAYS, read(days), read(idleDeviceDays))),
  isForced: setting('RETENTION_FORCE', onOff, {
    default: 'off',
    doc: 'on: messages past RETENTION_DAYS are dropped whether they were delivered or not',
  }).as(isOn),
};

export const cleanup = {
  idleDeviceDays,
  connectionTimeoutMs: setting('CONNECTION_TIMEOUT_MS', whole(1_000, 3_600_000), {
    default: 120_000,
    doc: 'a connection without a sign of life for this long is removed from the registry',
  }),
  /** Cron expressions with seconds, one for each job. */
  cron: {
    deadInstances: setting('CRON_DEAD_INSTANCES', cron, {
      default: '* * * * * *',
      doc: 'when each instance looks for peers that died',
    }),
    expiredMessages: setting('CRON_EXPIRED_MESSAGES', cron, {
      default: '0 * * * * *',
      doc: 'when expired and cancelled messages lose their bodies',
    }),
    partitions: setting('CRON_PARTITIONS', cron, {
      default: '10 */10 * * * *',
      doc: 'when partitions are made ahead, and dropped past retention',
    }),
    dedupeWindow: setting('CRON_DEDUPE_WINDOW', cron, {
      default: '20 */10 * * * *',
      doc: 'when publish ids past DEDUPE_HOURS are dropped',
    }),
    idleDevices: setting('CRON_IDLE_DEVICES', cron, {
      default: '30 5 * * * *',
      doc: 'when idle devices are forgotten',
    }),
    staleConnections: setting('CRON_STALE_CONNECTIONS', cron, {
      default: '35 */5 * * * *',
      doc: 'when connections without a sign of life are removed',
    }),
    endedSessions: setting('CRON_ENDED_SESSIONS', cron, {
      default: '45 */5 * * * *',
      doc: 'when sessions are ended, and old ones deleted',
    }),
    orphans: setting('CRON_ORPHANS', cron, {
      default: '40 */10 * * * *',
      doc: 'when rows of instances that are not registered are removed',
    }),
    jobRuns: setting('CRON_JOB_RUNS', cron, {
      default: '50 15 * * * *',
      doc: 'when old runs of jobs are removed from job_runs',
    }),
  },
};
