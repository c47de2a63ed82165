import { readFile, readdir } from 'node:fs/promises';

/** Linux reports CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICK_MS = 10;

interface ProcessTimes {
  readonly parent: number;
  /** The CPU time of the process itself, all its threads together. */
  readonly ownMs: number;
  /** The CPU time of its children that have ended. */
  readonly endedChildrenMs: number;
}

/**
 * Reads the CPU time of a process in milliseconds; with `withChildren` that of its children, ended ones included, is
 * added. A process that cannot be read counts as 0.
 */
export async function cpuMs(pid: number, withChildren = false): Promise<number> {
  const times = await readTimes(pid);
  if (!times) return 0;
  if (!withChildren) return times.ownMs;
  const all = await Promise.all((await allPids()).map(readTimes));
  const children = all.filter((child) => child?.parent === pid);
  return children.reduce((sum, child) => sum + (child?.ownMs ?? 0), times.ownMs + times.endedChildrenMs);
}

/** Reads how long all cores together have been busy or taken away by the host, in milliseconds; see proc_stat(5). */
export async function machineMs(): Promise<number> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (text.split('\n')[0] ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Reads the resident memory of a process, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}

/**
 * Reads the fields of proc_pid_stat(5). They begin after the last parenthesis, because the name of the process may hold
 * spaces and parentheses itself.
 */
async function readTimes(pid: number): Promise<ProcessTimes | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ms = (index: number): number => Number(fields[index]) * TICK_MS;
  return { parent: Number(fields[1]), ownMs: ms(11) + ms(12), endedChildrenMs: ms(13) + ms(14) };
}
