import { setting } from '../setting.js';
import { absolutePath, isOn, onOff, postgresUrl, schemaName, scrapeToken, text, whole } from '../variable-types.js';

export const database = {
  /** Undefined means that an embedded PostgreSQL is started. */
  url: setting('DATABASE_URL', postgresUrl, {
    isSecret: true,
    isRequiredInProduction: true,
    doc: 'PostgreSQL 15 to 18; left out: an embedded one, for development only',
  }),
  directUrl: setting('DATABASE_DIRECT_URL', postgresUrl, {
    isSecret: true,
    doc: 'for LISTEN and migrations, when DATABASE_URL goes through a transaction pooler',
  }),
  schema: setting('DATABASE_SCHEMA', schemaName, {
    default: 'trunkline',
    doc: 'schema of the tables and functions; products that share a database have one each',
  }),
  waitMs: setting('DATABASE_WAIT_MS', whole(0, 86_400_000), {
    default: 60_000,
    doc: 'how long a start waits for a database that is out of reach, or that is a standby, before it ends with exit code 1',
  }),
  poolSize: setting('DATABASE_POOL', whole(1, 50), {
    default: 4,
    doc: 'connections for the hot path; as many again serve REST',
  }),
  binDirectory: setting('POSTGRES_BIN', absolutePath, {
    doc: 'initdb and pg_ctl of the embedded PostgreSQL are in this directory; left out: those installed with npm',
  }),
};

export const metrics = {
  isOn: setting('METRICS', onOff, {
    default: 'off',
    doc: 'on: /metrics for Prometheus; production wants METRICS_PORT or METRICS_TOKEN with it',
  }).as(isOn),
  /** Undefined means that /metrics is a path of the main port. */
  port: setting('METRICS_PORT', whole(0, 65_535), {
    doc: 'its own listener; 0 takes any free port; left out: a path of PORT',
  }),
  host: setting('METRICS_HOST', text, { default: '127.0.0.1', doc: 'address that METRICS_PORT listens on' }),
  token: setting('METRICS_TOKEN', scrapeToken, {
    isSecret: true,
    doc: 'a scrape has to show it as Authorization: Bearer; left out: whoever reaches the listener may read',
  }),
};

export const drain = {
  timeoutMs: setting('DRAIN_TIMEOUT_MS', whole(0, 600_000), { default: 25_000, doc: 'SIGTERM to exit, at most' }),
  reconnectsPerS: setting('DRAIN_RECONNECTS_PER_S', whole(1, 100_000), {
    default: 250,
    doc: 'clients a draining instance sends elsewhere each second; 0.7 of DRAIN_TIMEOUT_MS must suffice for all, or they go faster',
  }),
};
