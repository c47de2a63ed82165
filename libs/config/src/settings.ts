import { resolve } from 'node:path';
import { admin, admission, auth, client } from './declaration/access.js';
import { cleanup, retention } from './declaration/cleanup.js';
import { connections, presence, registry, sessions } from './declaration/connections.js';
import { isProduction } from './declaration/is-production.js';
import { owned, rest, sharedLimits, sockets } from './declaration/limits.js';
import { body, delivery, publish } from './declaration/messages.js';
import { database, drain, metrics } from './declaration/process.js';
import { Setting, setting } from './setting.js';
import { choice, instanceId, isOn, onOff, text, whole } from './variable-types.js';

/**
 * All that can be set. Each setting is declared once, with its variable, type, bounds, default and meaning: the type
 * {@link Settings}, the errors and docs/configuration.md come from here.
 */
export const DECLARATION = {
  isProduction,
  host: setting('HOST', text, {
    doc: 'address to listen on; left out: 127.0.0.1, in production 0.0.0.0',
  }).as((host, read) => host ?? (read(isProduction) ? '0.0.0.0' : '127.0.0.1')),
  port: setting('PORT', whole(0, 65_535), { default: 3000, doc: '0 takes any free port' }),
  instanceId: setting('INSTANCE_ID', instanceId, { doc: 'left out: host name, pid and a random part' }),
  database,
  /** An absolute path. */
  directory: setting('TRUNKLINE_DIR', text, {
    default: '.trunkline',
    doc: 'embedded database and generated secrets',
  }).as((directory) => resolve(directory)),
  auth,
  admin,
  admission,
  rest,
  sockets,
  owned,
  sharedLimits,
  logLevel: setting('LOG_LEVEL', choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), {
    default: 'info',
  }),
  metrics,
  isTracing: setting('TRACING', onOff, {
    default: 'off',
    doc: 'on: spans for the OpenTelemetry SDK that the process runs with, and trace context in messages',
  }).as(isOn),
  logFormat: setting('LOG_FORMAT', choice('auto', 'json', 'pretty'), {
    default: 'auto',
    doc: 'auto: pretty on a terminal, with the package pino-pretty; in production json',
  }).as((format, read) => (read(isProduction) ? 'json' : format)),
  body,
  delivery,
  publish,
  registry,
  connections,
  presence,
  sessions,
  retention,
  cleanup,
  drain,
  client,
};

/** The values of a group of declared settings. */
type Values<Group> = {
  readonly [Name in keyof Group]: Group[Name] extends Setting<infer Value> ? Value : Values<Group[Name]>;
};

/** The value of every setting, typed and frozen. The root module hands it to the libs. */
export type Settings = Values<typeof DECLARATION>;

/** Every setting that is declared, in the order of the declaration. */
export const ALL_SETTINGS: readonly Setting<unknown>[] = settingsOf(DECLARATION);

function settingsOf(group: object): Setting<unknown>[] {
  return Object.values(group).flatMap((item: object) => (item instanceof Setting ? [item] : settingsOf(item)));
}

/** The settings after the start has found or made the secrets and the way to the database. */
export interface ResolvedSettings extends Settings {
  readonly database: Settings['database'] & {
    readonly url: string;
    /** A pooler stands between this process and PostgreSQL, so nothing of a session outlasts a transaction. */
    readonly isPooled: boolean;
    /** The URL for LISTEN and migrations; undefined if every way leads through a pooler. */
    readonly listenUrl: string | undefined;
  };
  readonly auth: Settings['auth'] & { readonly jwtSecret: string; readonly apiKeys: readonly string[] };
}

/** The injection token of {@link ResolvedSettings}. */
export const SETTINGS = Symbol('settings');
