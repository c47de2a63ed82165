import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Unpacked packages; nothing is installed. */
const UNPACKED = resolve('.trunkline/packages');

/** A file of a Debian package: where it is installed, or else where the package was unpacked, downloaded if need be. */
export async function fileOfPackage(name: string, path: string): Promise<string> {
  const unpacked = join(UNPACKED, name);
  const found = [path, join(unpacked, path)].find((place) => existsSync(place));
  if (found) return found;
  await mkdir(unpacked, { recursive: true });
  try {
    await download(name, unpacked);
    const file = (await readdir(unpacked)).find((entry) => entry.endsWith('.deb')) ?? '';
    await run('dpkg', ['-x', file, '.'], { cwd: unpacked });
  } catch (cause) {
    throw new Error(`needs ${path}: install the package ${name}`, { cause });
  }
  return join(unpacked, path);
}

async function download(name: string, cwd: string): Promise<void> {
  try {
    await run('apt-get', ['download', name], { cwd });
  } catch {
    // A fresh machine has no list of packages, an old one a list of versions that are gone.
    await run('apt-get', ['update']);
    await run('apt-get', ['download', name], { cwd });
  }
}
