import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CLI = join(import.meta.dirname, '../../dist/apps/cli/main.js');

export interface CliRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Longer than any command of a test takes. A command that hangs is ended, so that it does not outlive its test. */
const TIMEOUT_MS = 50_000;

/** Runs the command line with this environment and no other. */
export function runCli(args: readonly string[], env: Record<string, string>): Promise<CliRun> {
  const options = { env: { PATH: process.env['PATH'], ...env }, timeout: TIMEOUT_MS };
  return promisify(execFile)(process.execPath, ['--enable-source-maps', CLI, ...args], options).then(
    (output) => ({ ...output, code: 0 }),
    (error: CliRun) => error,
  );
}
