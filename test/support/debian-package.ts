import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { makeUnpacked, UNPACKED } from './unpacked.js';

const run = promisify(execFile);

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
    if (!existsSync(join(root, path))) await unpack(name);
  } catch (cause) {
    throw new Error(`needs ${path}: install the package ${name}`, { cause });
  }
  const places = await libraries(root);
  return { file: join(root, path), env: places === '' ? {} : { LD_LIBRARY_PATH: places } };
}

/** Unpacks the package and what it needs that is not installed. */
async function unpack(name: string): Promise<void> {
  await makeUnpacked(name, async (draft) => {
    await download(name, draft);
    const files = (await readdir(draft)).filter((file) => file.endsWith('.deb'));
    for (const file of files) await run('dpkg', ['-x', file, '.'], { cwd: draft });
  });
}

/** Asks apt for the names of the package and of what it needs that is not installed; nothing is installed by that. */
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
