import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf } from './embedded-postgres-error.js';

export interface ProcessFacts {
  /** Opaque; together with the pid it names one process, even after the kernel reuses the pid. */
  readonly startMark: string;
  /** The command line with its arguments joined by spaces. */
  readonly command: string;
}

/**
 * Returns the facts of a running process; undefined means that it is dead.
 *
 * A zombie counts as dead, because in a container whose first process does not reap orphans a killed postmaster stays a
 * zombie for ever, and `kill(pid, 0)` goes on claiming that it runs.
 */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  return process.platform === 'linux' ? factsFromProc(pid) : factsFromPs(pid);
}

/** Reads /proc on Linux, because slim container images have no `ps`. */
async function factsFromProc(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold spaces and ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
    return { startMark: startTicks, command: commandLine.split('\0').join(' ').trimEnd() };
  } catch (error) {
    // ESRCH: the process died between open and read.
    if (['ENOENT', 'ESRCH'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function factsFromPs(pid: number): Promise<ProcessFacts | undefined> {
  const args = ['-ww', '-o', 'state=,lstart=,args=', '-p', String(pid)];
  const { stdout } = await promisify(execFile)('ps', args).catch((error: unknown) => {
    // ps says "no such process" by exiting with 1.
    if ((error as { code?: unknown }).code === 1) return { stdout: '' };
    throw error;
  });
  const [, state, startMark, command] = /^(\S+)\s+((?:\S+\s+){4}\S+)\s+(.*)$/m.exec(stdout) ?? [];
  if (state === undefined || state.startsWith('Z')) return undefined;
  return { startMark: startMark ?? '', command: command ?? '' };
}
