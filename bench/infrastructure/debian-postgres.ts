import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programOfPackage } from '../../test/support/debian-package.js';

const INSTALLED = '/usr/lib/postgresql';
/** Where none is installed; of Debian 12. */
const VERSION = '15';

/**
 * The programs of Debian's PostgreSQL, the newest installed or else unpacked beside: what is measured is what people
 * run, as with Redis. The embedded one is compiled for size (-Os), and takes up to a quarter more processor time for an append.
 * @returns undefined: there is no Debian
 */
export async function debianPostgres(): Promise<string | undefined> {
  const versions = await readdir(INSTALLED).catch((): string[] => []);
  const bins = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(INSTALLED, version, 'bin'));
  const installed = bins.find((bin) => existsSync(join(bin, 'initdb')));
  if (installed !== undefined || !existsSync('/usr/bin/apt-get')) return installed;
  const { file, env } = await programOfPackage(`postgresql-${VERSION}`, join(INSTALLED, VERSION, 'bin', 'initdb'));
  // Its programs are started with the environment of this process.
  Object.assign(process.env, env);
  return dirname(file);
}
