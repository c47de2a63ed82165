import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { withDirectoryLock } from './directory-lock.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trunkline-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('withDirectoryLock', () => {
  it('lets one in at a time', async () => {
    expect(await greatestCrowd(10)).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  it('passes on what the work returns or throws, and is free afterwards', async () => {
    await expect(withDirectoryLock(directory, () => Promise.resolve(7))).resolves.toBe(7);
    const failure = new Error('no');
    await expect(withDirectoryLock(directory, () => Promise.reject(failure))).rejects.toBe(failure);
    await expect(withDirectoryLock(directory, () => Promise.resolve(8))).resolves.toBe(8);
  });

  it('is broken by exactly one of many when its holder has died', async () => {
    await leaveLock(ownerFile(await deadPid(), '1'));
    expect(await greatestCrowd(10)).toBe(1);
  });

  it('is broken when another process has the pid of its holder', async () => {
    await leaveLock(ownerFile(process.pid, 'of an earlier process'));
    expect(await greatestCrowd(2)).toBe(1);
  });

  it('is broken when a power loss took the name of its holder', async () => {
    await leaveLock('');
    expect(await greatestCrowd(2)).toBe(1);
  });
});

/** Returns how many of `count` callers were ever inside together, and checks that each of them got in once. */
async function greatestCrowd(count: number): Promise<number> {
  let [inside, greatest, entered] = [0, 0, 0];
  const visit = async (): Promise<void> => {
    inside += 1;
    entered += 1;
    greatest = Math.max(greatest, inside);
    for (let turns = 0; turns < 20; turns += 1) await turn();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: count }, () => withDirectoryLock(directory, visit)));
  expect(entered).toBe(count);
  return greatest;
}

function ownerFile(pid: number, startMark: string): string {
  return JSON.stringify({ token: 'left', pid, startMark });
}

async function leaveLock(owner: string): Promise<void> {
  await mkdir(join(directory, 'pg-lock'));
  await writeFile(join(directory, 'pg-lock', 'owner.json'), owner);
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  if (child.pid === undefined) throw new Error('The child has no pid.');
  return child.pid;
}
