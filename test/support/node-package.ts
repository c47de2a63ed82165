import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeUnpacked, UNPACKED } from './unpacked.js';

const run = promisify(execFile);
/** npm has packages with Node's own binaries for these platforms. */
const PLATFORMS = ['linux-x64', 'linux-arm64'];

/**
 * The directory with the program `node` of a version like 24 or 24.22.1. A major version means the newest that npm has
 * when it is first asked for; it stays unpacked under .trunkline/packages.
 */
export async function directoryOfNode(version: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform))
    throw new Error(`npm has no Node.js for ${platform}, only for ${PLATFORMS.join(', ')}: install Node.js ${version}`);
  const name = `node-${platform}`;
  const directory = join(UNPACKED, `${name}@${version}`, 'node_modules', name, 'bin');
  if (!existsSync(join(directory, 'node'))) await download(`${name}@${version}`);
  return directory;
}

async function download(nameAndVersion: string): Promise<void> {
  const flags = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--silent'];
  try {
    await makeUnpacked(nameAndVersion, async (draft) => {
      await run('npm', ['install', '--prefix', draft, ...flags, nameAndVersion]);
    });
  } catch (cause) {
    throw new Error(`npm could not install ${nameAndVersion}: is there such a version, and can npm be reached?`, {
      cause,
    });
  }
}
