import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError, codeOf, namingTheRemedy } from './embedded-postgres-error.js';
import { processFacts } from './process-facts.js';

/** The deadline is later than the slowest holder: 60 s for a settling postmaster, then 60 s for a start. */
const LOCK_DEADLINE_MS = 180_000;
const LOCK_POLL_MS = 25;

interface LockOwner {
  /** Names this one acquisition; two acquisitions by one process differ. */
  readonly token: string;
  readonly pid: number;
  readonly startMark: string;
}

/**
 * Runs `work` while no other process (and no other call in this one) works on `directory`.
 *
 * The lock is the directory `pg-lock` with a file that names its owner, and every change to it is
 * one rename(2) of a whole directory, which the kernel refuses if the target is not empty:
 *
 * - acquire: `pg-lock.<token>`, already holding the owner file, is renamed to `pg-lock`. There is
 *   no moment at which the lock exists without its owner, so nobody mistakes a fresh one for stale.
 * - break: the lock dies with its holder because anyone may rename it away once the owner's pid is
 *   dead. The race is: A and B both read the dead owner's token T, A breaks the lock and acquires
 *   a new one, then B, late, breaks *that*. It cannot, because both rename to `pg-lock.broken-<T>`,
 *   and the second rename for the same T meets a directory that is not empty. For the same reason
 *   these remains are kept: a few bytes for each process that was killed while it held the lock.
 */
export async function withDirectoryLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  return namingTheRemedy(async () => {
    const token = await acquire(directory);
    try {
      return await work();
    } finally {
      await release(directory, token);
    }
  });
}

async function acquire(directory: string): Promise<string> {
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  for (;;) {
    const owner = await readOwner(directory);
    if (owner === undefined) {
      const token = await tryAcquire(directory);
      if (token !== undefined) return token;
    } else if (!(await isAlive(owner))) {
      await breakLock(directory, owner);
    } else {
      if (Date.now() > deadline) throw lockTimeout(directory, owner);
      await sleep(LOCK_POLL_MS);
    }
  }
}

async function tryAcquire(directory: string): Promise<string | undefined> {
  const token = randomBytes(8).toString('hex');
  const startMark = (await processFacts(process.pid))?.startMark ?? '';
  const owner: LockOwner = { token, pid: process.pid, startMark };
  const claim = join(directory, `pg-lock.${token}`);
  await mkdir(claim);
  await writeFile(join(claim, 'owner.json'), JSON.stringify(owner));
  if (await renameUnlessTaken(claim, join(directory, 'pg-lock'))) return token;
  await rm(claim, { recursive: true, force: true });
  return undefined;
}

async function breakLock(directory: string, dead: LockOwner): Promise<void> {
  await renameUnlessTaken(join(directory, 'pg-lock'), join(directory, `pg-lock.broken-${dead.token}`));
}

async function release(directory: string, token: string): Promise<void> {
  const released = join(directory, `pg-lock.${token}`);
  // The rename fails if someone removed the whole directory meanwhile, so that nothing is left to release.
  if (await renameUnlessTaken(join(directory, 'pg-lock'), released)) {
    await rm(released, { recursive: true, force: true });
  }
}

/** Renames a directory. False means that the source is gone, or that the target is a directory that is not empty. */
async function renameUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

async function readOwner(directory: string): Promise<LockOwner | undefined> {
  const file = join(directory, 'pg-lock', 'owner.json');
  try {
    const text = await readFile(file, 'utf8');
    return isJson(text) ? (JSON.parse(text) as LockOwner) : await ownerBeforePowerLoss(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isJson(text: string): boolean {
  return text.endsWith('}');
}

/** Returns a dead owner for a torn file: it was whole when it got its name, so the machine went down in between. */
async function ownerBeforePowerLoss(file: string): Promise<LockOwner> {
  return { token: `torn-${(await stat(file)).mtimeMs}`, pid: 0, startMark: 'none' };
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  return (await processFacts(owner.pid))?.startMark === owner.startMark;
}

function lockTimeout(directory: string, owner: LockOwner): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_LOCK_TIMEOUT',
    `Process ${owner.pid} has kept ${join(directory, 'pg-lock')} for ${LOCK_DEADLINE_MS / 1000} s.`,
    'It is starting or stopping the embedded PostgreSQL: see pg.log, end that process, and try again.',
  );
}
