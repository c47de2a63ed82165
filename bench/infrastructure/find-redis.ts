import { execFile } from 'node:child_process';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface RedisBinary {
  readonly file: string;
  /** What it needs in its environment beyond ours. */
  readonly env: Readonly<Record<string, string>>;
}

const REMEDY = 'Install it (Debian: apt-get install redis-server), or leave the Redis peers out with --peers.';

/**
 * redis-server of the system, or Debian's packages unpacked into the user's cache: installing them would also set a
 * service up and start it.
 */
export async function findRedis(): Promise<RedisBinary> {
  const installed = await onPath('redis-server');
  if (installed !== undefined) return { file: installed, env: {} };
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'trunkline-bench', 'redis');
  const root = join(cache, 'root');
  if (!(await isThere(join(root, 'usr/bin/redis-server')))) await unpack(cache, root);
  return { file: join(root, 'usr/bin/redis-server'), env: { LD_LIBRARY_PATH: await libraries(root) } };
}

async function unpack(cache: string, root: string): Promise<void> {
  process.stderr.write(`no redis-server: unpacking Debian's into ${cache}\n`);
  const packages = join(cache, 'packages');
  try {
    await rm(cache, { recursive: true, force: true });
    await mkdir(packages, { recursive: true });
    // _apt, which apt would rather download as, may not get in here; it says so at length and goes on.
    await run('apt-get', ['download', ...(await missingPackages())], { cwd: packages });
    for (const file of await readdir(packages)) await run('dpkg', ['-x', join(packages, file), root]);
  } catch (cause) {
    await rm(cache, { recursive: true, force: true });
    throw new Error(`there is no redis-server, and Debian's could not be downloaded. ${REMEDY}`, { cause });
  }
}

/** redis-server and what it needs that is not installed: apt's own answer, without installing anything. */
async function missingPackages(): Promise<string[]> {
  const { stdout } = await run('apt-get', ['install', '--simulate', '--no-install-recommends', 'redis-server']);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? '');
}

/** Debian keeps libraries under the name of the architecture. */
async function libraries(root: string): Promise<string> {
  const places: string[] = [];
  for (const parent of ['usr/lib', 'lib']) {
    const names = await readdir(join(root, parent)).catch(() => []);
    places.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(root, parent, name)));
  }
  return places.join(delimiter);
}

async function onPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (await isThere(join(directory, name))) return join(directory, name);
  }
  return undefined;
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
