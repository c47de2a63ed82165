import { ALL_SETTINGS, readSettings, SettingsError } from '#config';

/** The settings that every production instance is given. The secrets are long enough, and nobody's. */
const REQUIRED = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://trunkline@db:5432/trunkline',
  JWT_SECRET: 'a-secret-for-checks-of-files-and-for-nothing-else',
  API_KEYS: `backend:${'y'.repeat(64)}`,
};

export const isSetting = (name: string): boolean => ALL_SETTINGS.some(({ variable }) => variable === name);

/** Finds variables that are no settings, and values that would stop the start. */
export function settingsFaults(place: string, given: Readonly<Record<string, string>>): string[] {
  const unknown = Object.keys(given).filter((name) => !isSetting(name));
  if (unknown.length > 0) return unknown.map((name) => `${place}: ${name} is no setting of libs/config`);
  try {
    readSettings({ ...REQUIRED, ...given });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.lines.map((line) => `${place}: ${line}`);
  }
}

export function drainTimeoutMs(given: Readonly<Record<string, string>>): number {
  return readSettings({ ...REQUIRED, ...given }).drain.timeoutMs;
}
