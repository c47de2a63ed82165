import type { z } from 'zod';
import { Environment } from './environment.js';
import { toSettings, type Settings } from './settings.js';

/** A setting that stops the start: one line with the variable, what is wrong and what is allowed. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingsError';
  }
}

/** Reads, validates and freezes the settings; a {@link SettingsError} names the first wrong variable. */
export function readSettings(env: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const result = Environment.safeParse(withoutEmpty(env));
  if (!result.success) throw new SettingsError(describe(result.error.issues[0], env));
  assertConsistent(result.data);
  return deepFreeze(toSettings(result.data));
}

/** `PORT= npm start` means "not set". */
function withoutEmpty(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

const SECRETS = new Set([
  'JWT_SECRET',
  'API_KEYS',
  'ADMIN_API_KEYS',
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'METRICS_TOKEN',
  'TRUNKLINE_API_KEY',
  'TRUNKLINE_ADMIN_KEY',
]);

function describe(issue: z.core.$ZodIssue | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const name = String(issue?.path[0] ?? 'environment');
  const value = SECRETS.has(name) ? '' : ` is ${JSON.stringify(env[name]?.slice(0, 60))},`;
  return `${name}${value} ${issue?.message ?? 'is wrong'}`.replace(/\s+/g, ' ');
}

function assertConsistent(env: Environment): void {
  if (env.BEAT_MS * 3 > env.LEASE_MS) {
    throw new SettingsError(`BEAT_MS is ${env.BEAT_MS}, must be at most a third of LEASE_MS (${env.LEASE_MS})`);
  }
  if (env.HEARTBEAT_MS * 2 + env.PING_INTERVAL_MS > env.CONNECTION_TIMEOUT_MS) {
    throw new SettingsError(
      `CONNECTION_TIMEOUT_MS is ${env.CONNECTION_TIMEOUT_MS}, must be at least two HEARTBEAT_MS (${env.HEARTBEAT_MS}) and a PING_INTERVAL_MS (${env.PING_INTERVAL_MS})`,
    );
  }
  if (env.DEDUPE_HOURS > env.RETENTION_DAYS * 24) {
    throw new SettingsError(
      `DEDUPE_HOURS is ${env.DEDUPE_HOURS}, must not exceed RETENTION_DAYS (${env.RETENTION_DAYS} days)`,
    );
  }
  if (env.RETENTION_MAX_DAYS !== undefined && env.RETENTION_MAX_DAYS < env.RETENTION_DAYS) {
    throw new SettingsError(
      `RETENTION_MAX_DAYS is ${env.RETENTION_MAX_DAYS}, must be at least RETENTION_DAYS (${env.RETENTION_DAYS})`,
    );
  }
  if (env.NODE_ENV !== 'production') return;
  if (env.METRICS === 'on' && env.METRICS_PORT === undefined && env.METRICS_TOKEN === undefined) {
    throw new SettingsError(
      'METRICS is on, must come with METRICS_PORT or METRICS_TOKEN when NODE_ENV=production: PORT is open to everybody',
    );
  }
  for (const name of ['DATABASE_URL', 'JWT_SECRET', 'API_KEYS'] as const) {
    if (env[name] === undefined) throw new SettingsError(`${name} is not set, must be set when NODE_ENV=production`);
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  }
  return Object.freeze(value);
}
