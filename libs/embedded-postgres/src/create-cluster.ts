import { chown, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Binaries } from './binaries.js';
import type { ClusterDirectory } from './cluster-directory.js';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';
import { runProgram } from './run-program.js';

export const SUPERUSER = 'trunkline';

/**
 * Runs initdb in a sibling directory and renames the result into place, so that `pg` is either
 * absent or whole. What an interrupted run left behind is removed first. Call it under the lock.
 */
export async function createCluster(binaries: Binaries, cluster: ClusterDirectory, password: string): Promise<void> {
  const parent = dirname(cluster.dataDirectory);
  const prefix = `${basename(cluster.dataDirectory)}.init-`;
  await removeLeftovers(parent, prefix);
  const nursery = await mkdtemp(join(parent, prefix));
  try {
    await initialize(binaries, cluster, nursery, password);
    await moveIntoPlace(join(nursery, 'data'), cluster.dataDirectory);
  } finally {
    await removeTree(nursery);
  }
}

async function removeLeftovers(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await removeTree(join(parent, name));
  }
}

/** Retries ENOTEMPTY, because the initdb of a killed process lives on for a moment and adds files. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10 });
}

async function initialize(
  { initdb }: Binaries,
  { account }: ClusterDirectory,
  nursery: string,
  password: string,
): Promise<void> {
  // pg-password belongs to root; the account needs a copy of its own to read.
  const passwordFile = join(nursery, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) {
    await chown(passwordFile, account.uid, account.gid);
    await chown(nursery, account.uid, account.gid);
  }
  const args = [
    ...['--pgdata', join(nursery, 'data')],
    ...['--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
    ...['--encoding', 'UTF8', '--no-locale', '--no-instructions'],
    // Syncing takes half of the time, for what nobody has stored yet. Should the machine itself crash within the half
    // minute until the system has written it anyway, an empty database for development is made anew.
    '--no-sync',
  ];
  const { isSuccess, output } = await runProgram({ program: initdb, args, account });
  if (!isSuccess) throw initdbFailed(output);
}

async function moveIntoPlace(data: string, target: string): Promise<void> {
  try {
    await rename(data, target);
  } catch (cause) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(cause) ?? '')) throw cause;
    throw new EmbeddedPostgresError(
      'EMBEDDED_DIRECTORY_UNUSABLE',
      `${target} holds files, but not those of a PostgreSQL database.`,
      'Move it away and start again.',
      cause,
    );
  }
}

function initdbFailed(output: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_INITDB_FAILED',
    `initdb failed: ${output.slice(-2000)}`,
    '\nMend what it names (often a full disk or a read-only directory), or set DATABASE_URL.',
  );
}
