import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, chmod } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The directory of unpacked packages. Nothing is installed. */
const UNPACKED = resolve('.trunkline/packages');

export interface PackagedProgram {
  readonly file: string;
  /** The variables that the program needs beyond ours: they lead to the libraries that were unpacked with it. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds a file of a Debian package: where it is installed, or otherwise where the package was unpacked. The package is
 * downloaded if need be.
 */
export async function fileOfPackage(name: string, path: string): Promise<string> {
  return (await programOfPackage(name, path)).file;
}

/** Finds a program as {@link fileOfPackage} does, with the libraries that it depends on and this system lacks. */
export async function programOfPackage(name: string, path: string): Promise<PackagedProgram> {
  if (existsSync(path)) return { file: path, env: {} };
  const root = join(UNPACKED, name);
  try {
    if (!existsSync(join(root, path))) await unpack(name, root);
  } catch (cause) {
    throw new Error(`needs ${path}: install the package ${name}`, { cause });
  }
  const places = await libraries(root);
  return { file: join(root, path), env: places === '' ? {} : { LD_LIBRARY_PATH: places } };
}

/**
 * Unpacks into another directory, which is then renamed, because two test files may unpack the same package at once.
 */
async function unpack(name: string, root: string): Promise<void> {
  await mkdir(UNPACKED, { recursive: true });
  const draft = await mkdtemp(`${root}.`);
  try {
    await chmod(draft, 0o755); // PostgreSQL and PgBouncer never run as root
    await download(name, draft);
    const files = (await readdir(draft)).filter((file) => file.endsWith('.deb'));
    for (const file of files) await run('dpkg', ['-x', file, '.'], { cwd: draft });
    await rm(root, { recursive: true, force: true });
    await rename(draft, root);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Lists the package and those that it needs and that are not installed. apt-get answers that without installing
 * anything.
 */
async function missing(name: string): Promise<string[]> {
  const { stdout } = await run('apt-get', ['install', '--simulate', '--no-install-recommends', name]);
  const names = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, found]) => found ?? '');
  return names.includes(name) ? names : [name];
}

/** Lists the directories of libraries, which Debian names after the architecture. */
async function libraries(root: string): Promise<string> {
  const places: string[] = [];
  for (const parent of ['usr/lib', 'lib']) {
    const names = await readdir(join(root, parent)).catch(() => []);
    places.push(...names.filter((found) => found.includes('-linux-')).map((found) => join(root, parent, found)));
  }
  return places.join(delimiter);
}

async function download(name: string, cwd: string): Promise<void> {
  try {
    await run('apt-get', ['download', ...(await missing(name))], { cwd });
  } catch {
    // A fresh machine has no list of packages, and an old machine lists versions that are gone.
    await run('apt-get', ['update']);
    await run('apt-get', ['download', ...(await missing(name))], { cwd });
  }
}
