import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';

/** Returns the superuser's password, which is made once and kept beside the data. Call it under the lock. */
export async function keepPassword(directory: string, isClusterThere: boolean): Promise<string> {
  const file = join(directory, 'pg-password');
  const known = await readIfAny(file);
  if (known) return known;
  if (isClusterThere) throw passwordLost(directory);
  const password = randomBytes(24).toString('base64url');
  // The file is flushed and renamed, so that no crash leaves half a password, or none, for a whole cluster.
  await writeFile(`${file}.new`, `${password}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return password;
}

async function readIfAny(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function passwordLost(directory: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_PASSWORD_LOST',
    `${join(directory, 'pg')} holds a database, but its password in pg-password is gone.`,
    `Restore that file, or delete ${directory} to start with an empty database.`,
  );
}
