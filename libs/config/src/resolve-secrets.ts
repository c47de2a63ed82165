import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jwtSecretFault } from './jwt-secret.js';
import { SettingsError } from './read-settings.js';
import type { Settings } from './settings.js';

export interface Secrets {
  readonly jwtSecret: string;
  readonly apiKeys: readonly string[];
}

/**
 * Gives the secrets that are set. In development, those left out are made once and kept under the directory, readable
 * by its owner alone, so that every instance on the machine has the same ones; production does not start without them.
 * @throws SettingsError when the file of the JWT secret holds a text that is no secret
 */
export function resolveSecrets(settings: Settings): Secrets {
  return {
    jwtSecret: settings.auth.jwtSecret ?? keepJwtSecret(settings.directory),
    apiKeys: settings.auth.apiKeys ?? [keep(settings.directory, 'api-key', () => `development:${random()}`)],
  };
}

const random = (): string => randomBytes(32).toString('base64url');

function keepJwtSecret(directory: string): string {
  const secret = keep(directory, 'jwt-secret', () => random());
  const fault = jwtSecretFault(secret);
  if (fault !== undefined) throw new SettingsError([`${join(directory, 'jwt-secret')} ${fault}`]);
  return secret;
}

/**
 * Reads a file of the directory, or makes it. It is written under another name and then linked: one of several starting
 * instances makes the link, and the others never find an empty file there.
 */
function keep(directory: string, name: string, make: () => string): string {
  const path = join(directory, name);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  mkdirSync(directory, { recursive: true });
  try {
    writeFileSync(draft, make(), { flag: 'wx', mode: 0o600 });
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}
