import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, readlink, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Account, chownTree, isRoot, isTraversableBy, unprivilegedAccount } from './account.js';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';

export interface ClusterDirectory {
  /** The directory to which `pg` leads. It need not exist yet, but its parent does. */
  readonly dataDirectory: string;
  /** The account that runs PostgreSQL; undefined means that this process is not root. */
  readonly account: Account | undefined;
}

/** Decides where the data of `directory` live and who owns them. Call it under the lock. */
export async function locateCluster(directory: string, relocationParent = '/var/tmp'): Promise<ClusterDirectory> {
  const path = join(directory, 'pg');
  rejectShellCharacters(path);
  const linked = await linkTarget(path);
  const dataDirectory = linked ?? path;
  if (!isRoot()) return { dataDirectory, account: undefined };
  const account = await accountFor(dataDirectory);
  if (await isTraversableBy(account, dirname(dataDirectory))) return { dataDirectory, account };
  if (linked !== undefined || (await doesExist(path))) throw unreachable(dataDirectory, account);
  return { dataDirectory: await relocate(path, account, relocationParent), account };
}

export async function hasCluster(dataDirectory: string): Promise<boolean> {
  return doesExist(join(dataDirectory, 'PG_VERSION'));
}

/** Returns the owner of data that exist, so that a root shell does not lock their user out later. */
async function accountFor(dataDirectory: string): Promise<Account> {
  if (!(await hasCluster(dataDirectory))) return unprivilegedAccount();
  const owner = await stat(dataDirectory);
  if (owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const account = await unprivilegedAccount();
  // The data are root's, for example after root restored a backup; but PostgreSQL insists on owning its directory.
  await chownTree(dataDirectory, account);
  return account;
}

/**
 * Makes a home for the data outside a directory that the account cannot enter, and links to it.
 *
 * Only a directory made just now is used. One that exists may belong to a project that was moved away from this path
 * and still links to it, or may be somebody's trap; so the next name is tried.
 */
async function relocate(path: string, account: Account, parent: string): Promise<string> {
  const hash = createHash('sha256').update(dirname(path)).digest('hex').slice(0, 12);
  for (let attempt = 1; ; attempt += 1) {
    const home = join(parent, `trunkline-${hash}${attempt === 1 ? '' : `-${attempt}`}`);
    if (!(await makeDirectory(home))) continue;
    await chown(home, account.uid, account.gid);
    await symlink(join(home, 'pg'), path);
    return join(home, 'pg');
  }
}

/** Makes a directory. False means that the name is taken. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function linkTarget(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch((error: unknown) => {
    // EINVAL means that there is something, but not a link.
    if (['ENOENT', 'EINVAL'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  });
  if (target === undefined) return undefined;
  const absolute = resolve(dirname(path), target);
  if (await doesExist(dirname(absolute))) return absolute;
  throw new EmbeddedPostgresError(
    'EMBEDDED_DIRECTORY_UNUSABLE',
    `${path} is a link to ${absolute}, which is gone (systems may clean /var/tmp).`,
    `Restore it, or delete ${path} to start with an empty database.`,
  );
}

async function doesExist(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function unreachable(dataDirectory: string, account: Account): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_DIRECTORY_UNUSABLE',
    `The account with uid ${account.uid} may not enter the directories above ${dataDirectory}.`,
    'Let it pass (chmod o+x on each), or move the data elsewhere and link pg to them.',
  );
}

/** Refuses some characters, because pg_ctl puts the path between double quotes into a shell command, unescaped. */
function rejectShellCharacters(path: string): void {
  if (!/["$`\\\n]/.test(path)) return;
  throw new EmbeddedPostgresError(
    'EMBEDDED_DIRECTORY_UNUSABLE',
    `${JSON.stringify(path)} holds a character that PostgreSQL's pg_ctl cannot handle.`,
    'Use a path without double quotes, dollar signs, backquotes, backslashes and line breaks.',
  );
}
