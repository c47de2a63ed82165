import { isProduction } from './declaration/is-production.js';
import { RULES } from './rules.js';
import { Setting, WrongSetting, type Read } from './setting.js';
import { DECLARATION, type Settings } from './settings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that stop the start: one line for each that is wrong, with what is allowed. */
export class SettingsError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'SettingsError';
  }
}

/**
 * Reads, validates and freezes the settings.
 * @throws SettingsError that names everything that is wrong
 */
export function readSettings(env: Environment = process.env): Settings {
  const read = readerOf(env);
  const lines = new Set<string>();
  // A rule, or a setting made of another one, fails with the line of the setting that it could not read.
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof WrongSetting)) throw error;
      lines.add(error.message);
      return undefined;
    }
  };
  const values = valuesOf(DECLARATION, (setting) => attempt(() => read(setting)));
  for (const rule of RULES) {
    const line = attempt(() => rule(read));
    if (line !== undefined) lines.add(line);
  }
  if (lines.size > 0) throw new SettingsError([...lines]);
  return values as Settings;
}

function readerOf(env: Environment): Read {
  const read: Read = (setting) => {
    // An empty variable is not set: `PORT= npm start`.
    const text = env[setting.variable] === '' ? undefined : env[setting.variable];
    if (text === undefined && setting.facts.isRequiredInProduction && read(isProduction))
      throw new WrongSetting(`${setting.variable} is not set, must be set when NODE_ENV=production`);
    return setting.parse(text, read);
  };
  return read;
}

/** A frozen object of the group's shape, with the value of each setting in its place. */
function valuesOf(group: object, valueOf: (setting: Setting<unknown>) => unknown): object {
  const entries = Object.entries(group).map(([name, item]: [string, object]) => {
    const value = item instanceof Setting ? valueOf(item) : valuesOf(item, valueOf);
    return [name, Array.isArray(value) ? Object.freeze(value) : value];
  });
  return Object.freeze(Object.fromEntries(entries) as object);
}

/** Reads settings that an application gives in the place of the environment, from which only `NODE_ENV` then comes. */
export function readGivenSettings(given: Environment): Settings {
  // An application in production must not get the defaults of a development because it did not think of this one.
  return readSettings({ NODE_ENV: process.env['NODE_ENV'], ...given });
}
