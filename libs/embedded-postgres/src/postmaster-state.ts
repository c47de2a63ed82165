import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';
import { processFacts } from './process-facts.js';

/**
 * - `absent`: nothing runs on these data, though a postmaster.pid may be left from a crash;
 * - `changing`: a postmaster runs and is starting up or shutting down;
 * - `ready`: it takes connections.
 */
export type PostmasterState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'changing' }
  | { readonly kind: 'ready'; readonly pid: number; readonly port: number };

const SETTLE_DEADLINE_MS = 60_000;
const SETTLE_POLL_MS = 20;

/** Waits until the postmaster of these data takes connections or is gone. */
export async function settledPostmaster(
  dataDirectory: string,
): Promise<Exclude<PostmasterState, { kind: 'changing' }>> {
  const deadline = Date.now() + SETTLE_DEADLINE_MS;
  for (;;) {
    const state = await postmasterState(dataDirectory);
    if (state.kind !== 'changing') return state;
    if (Date.now() > deadline) throw unsettled(dataDirectory);
    await sleep(SETTLE_POLL_MS);
  }
}

/**
 * Reads the state from postmaster.pid. Its lines are: pid, data directory, start time (s), port, socket directory,
 * listen address, shared memory key, status. They are added one by one, the status last.
 */
export async function postmasterState(dataDirectory: string): Promise<PostmasterState> {
  const lines = await pidFileLines(dataDirectory);
  if (lines === undefined) return { kind: 'absent' };
  const [pid, port, status] = [Number(lines[0]), Number(lines[3]), lines[7]?.trim()];
  // The file is created, but not written yet.
  if (!pid) return { kind: 'changing' };
  if (!(await isPostmasterOf(dataDirectory, pid))) return { kind: 'absent' };
  return status === 'ready' && port ? { kind: 'ready', pid, port } : { kind: 'changing' };
}

/**
 * Removes a postmaster.pid that would keep PostgreSQL from starting. PostgreSQL overwrites one whose pid is unused, but
 * refuses to start if the kernel gave that pid to another process, or keeps it for a zombie. Call it under the lock and
 * only in the state `absent`.
 */
export async function removeStalePidFile(dataDirectory: string): Promise<void> {
  const pid = Number((await pidFileLines(dataDirectory))?.[0]);
  if (!pid || !isPidTaken(pid) || (await isPostmasterOf(dataDirectory, pid))) return;
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
}

/** Follows PostgreSQL's rule: true for a zombie, false for a process of another account. */
function isPidTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function pidFileLines(dataDirectory: string): Promise<string[] | undefined> {
  try {
    return (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
  } catch (error) {
    // ENOTDIR, ENOENT: no cluster yet, or shut down.
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/**
 * Tells whether the process is the postmaster of these data. A pid is reused after a crash, in a container or after a
 * reboot even at once, so the process must look like a postmaster. If it does, it is ours unless it clearly serves
 * another directory, because a second postmaster on the same data would be worse than one too few.
 */
async function isPostmasterOf(dataDirectory: string, pid: number): Promise<boolean> {
  const command = (await processFacts(pid))?.command;
  // Children of a postmaster call themselves `postgres: checkpointer` and the like.
  if (command === undefined || !/^(\S.*\/)?postgres( |$)/.test(command)) return false;
  const served = / -D (.*?)(?: -c |$)/.exec(command)?.[1];
  return served === undefined || !(await areDifferentDirectories(served, dataDirectory));
}

/** Compares what the paths lead to; false if one leads nowhere, because a running server's directory may be renamed. */
async function areDifferentDirectories(a: string, b: string): Promise<boolean> {
  try {
    const [first, second] = await Promise.all([stat(a), stat(b)]);
    return first.ino !== second.ino || first.dev !== second.dev;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    // A directory that may not even be looked at is another account's, because ours can be read.
    if (codeOf(error) === 'EACCES') return true;
    throw error;
  }
}

function unsettled(dataDirectory: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_STATE_TIMEOUT',
    `The PostgreSQL on ${dataDirectory} has been starting or stopping for 60 s.`,
    'See pg.log. If nothing is running there, delete postmaster.pid and try again.',
  );
}
