import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programOfPackage } from '../../test/support/debian-package.js';

const INSTALLED = '/usr/lib/postgresql';
/** The version that is unpacked where none is installed: that of Debian 12. */
const VERSION = '15';

/**
 * Finds the programs of Debian's PostgreSQL: the newest installed version, or otherwise an unpacked one. What is
 * measured is what people run, as with Redis. The embedded PostgreSQL is compiled for size (-Os), and takes up to a
 * quarter more processor time for an append.
 * @returns the directory of the programs, or undefined if the system is not Debian
 */
export async function debianPostgres(): Promise<string | undefined> {
  const versions = await readdir(INSTALLED).catch((): string[] => []);
  const bins = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(INSTALLED, version, 'bin'));
  const installed = bins.find((bin) => existsSync(join(bin, 'initdb')));
  if (installed !== undefined || !existsSync('/usr/bin/apt-get')) return installed;
  const { file, env } = await programOfPackage(`postgresql-${VERSION}`, join(INSTALLED, VERSION, 'bin', 'initdb'));
  // The programs inherit the environment of this process when they are started.
  Object.assign(process.env, env);
  return dirname(file);
}
