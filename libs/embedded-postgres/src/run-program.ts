import { spawn } from 'node:child_process';
import type { Account } from './account.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  /** The account that runs the program; set only when this process is root. */
  readonly account: Account | undefined;
  /** A file to which stdout and stderr go instead of `output`; what the program leaves running inherits it. */
  readonly outputFd?: number;
}

export interface ProgramResult {
  readonly isSuccess: boolean;
  /** The text of stdout and stderr as they came; empty with `outputFd`. */
  readonly output: string;
}

/** Runs one of PostgreSQL's programs to its end. Rejects only if it could not be run at all. */
export function runProgram(run: ProgramRun): Promise<ProgramResult> {
  const sink = run.outputFd ?? 'pipe';
  return new Promise((resolve, reject) => {
    const child = spawn(run.program, run.args, {
      stdio: ['ignore', sink, sink],
      // The caller's working directory may be closed to the account, which PostgreSQL dislikes.
      cwd: '/',
      ...run.account,
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => reject(notRunnable(run.program, cause)));
    child.on('close', (exitCode) =>
      resolve({ isSuccess: exitCode === 0, output: Buffer.concat(chunks).toString().trim() }),
    );
  });
}

/** ENOENT with the file in place means a missing loader: glibc binaries on a musl system. */
function notRunnable(program: string, cause: Error): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_BINARIES_UNUSABLE',
    `${program} cannot be run here: ${cause.message}.`,
    'Set DATABASE_URL to a PostgreSQL server of your own (the binaries need glibc on Linux).',
    cause,
  );
}
