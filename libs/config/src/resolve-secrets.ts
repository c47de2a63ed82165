import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './settings.js';

export interface Secrets {
  readonly jwtSecret: string;
  readonly apiKeys: readonly string[];
}

/**
 * The secrets of the settings; in development those left out are made once and kept under the directory, readable by
 * its owner alone, so that every instance on the machine has the same. Production has refused to start without them.
 */
export function resolveSecrets(settings: Settings): Secrets {
  return {
    jwtSecret: settings.auth.jwtSecret ?? keep(settings.directory, 'jwt-secret', () => random()),
    apiKeys: settings.auth.apiKeys ?? [keep(settings.directory, 'api-key', () => `development:${random()}`)],
  };
}

const random = (): string => randomBytes(32).toString('base64url');

/** `wx` lets one of several starting instances write; the others read what it wrote. */
function keep(directory: string, name: string, make: () => string): string {
  const path = join(directory, name);
  mkdirSync(directory, { recursive: true });
  try {
    const made = make();
    writeFileSync(path, made, { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(path, 'utf8').trim();
  }
}
