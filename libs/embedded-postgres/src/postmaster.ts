import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binaries } from './binaries.js';
import type { ClusterDirectory } from './cluster-directory.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { choosePort, rememberPort } from './port.js';
import { removeStalePidFile, settledPostmaster } from './postmaster-state.js';
import { runProgram } from './run-program.js';
import { serverOptions } from './server-settings.js';

export interface PostmasterPlan {
  readonly directory: string;
  readonly cluster: ClusterDirectory;
  readonly binaries: Binaries;
  /** The port to listen on; 0 means any free one. */
  readonly port: number;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface RunningPostmaster {
  readonly port: number;
  readonly isAdopted: boolean;
}

/**
 * Failures that pass by themselves, as PostgreSQL words them:
 * - for a moment after kill -9 of a postmaster its children hold on to the shared memory;
 * - a process that was killed while it started a server left a pg_ctl that goes on starting it;
 * - somebody took the port after we had found it free.
 */
const PASSING =
  /pre-existing shared memory block|"postmaster\.pid" already exists|could not create any TCP\/IP sockets/;
const START_DEADLINE_MS = 20_000;
const START_PAUSE_MS = 50;
const PG_CTL_TIMEOUT_S = '60';

/** Adopts the postmaster that runs on these data, or starts one. Call it under the lock. */
export async function ensurePostmaster(plan: PostmasterPlan): Promise<RunningPostmaster> {
  const deadline = Date.now() + START_DEADLINE_MS;
  const { dataDirectory } = plan.cluster;
  for (;;) {
    const state = await settledPostmaster(dataDirectory);
    if (state.kind === 'ready') return { port: state.port, isAdopted: true };
    await removeStalePidFile(dataDirectory);
    const port = await choosePort(plan.directory, plan.port);
    const complaint = await tryStart(plan, port);
    if (complaint === undefined) {
      await rememberPort(plan.directory, port);
      return { port, isAdopted: false };
    }
    if (!PASSING.test(complaint) || Date.now() > deadline) throw startFailed(plan, complaint);
    await sleep(START_PAUSE_MS);
  }
}

/**
 * Starts the server. It returns what the log says if that failed, and undefined if it succeeded. The log is opened here
 * and inherited, because the account may not be allowed to open it, and a pipe would stay open while the server runs.
 */
async function tryStart(plan: PostmasterPlan, port: number): Promise<string | undefined> {
  const { dataDirectory, account } = plan.cluster;
  const options = serverOptions(port, plan.parameters);
  const log = await open(logFile(plan), 'a', 0o600);
  try {
    const { size } = await log.stat();
    const { isSuccess } = await runProgram({
      program: plan.binaries.pgCtl,
      args: ['start', '-w', '-t', PG_CTL_TIMEOUT_S, '-D', dataDirectory, '-o', options],
      account,
      outputFd: log.fd,
    });
    return isSuccess ? undefined : (await readFile(logFile(plan))).subarray(size).toString();
  } finally {
    await log.close();
  }
}

/** Stops the postmaster, and tolerates that it ends by itself meanwhile. Call it under the lock. */
export async function stopPostmaster(binaries: Binaries, cluster: ClusterDirectory): Promise<void> {
  const { dataDirectory, account } = cluster;
  const { isSuccess, output } = await runProgram({
    program: binaries.pgCtl,
    args: ['stop', '-m', 'fast', '-w', '-t', PG_CTL_TIMEOUT_S, '-D', dataDirectory],
    account,
  });
  if (isSuccess || (await settledPostmaster(dataDirectory)).kind === 'absent') return;
  throw new EmbeddedPostgresError(
    'EMBEDDED_STOP_FAILED',
    `The PostgreSQL on ${dataDirectory} did not stop: ${output}`,
    'See pg.log; end it by sending SIGINT to the process named in postmaster.pid.',
  );
}

function logFile({ directory }: PostmasterPlan): string {
  return join(directory, 'pg.log');
}

function startFailed(plan: PostmasterPlan, complaint: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_START_FAILED',
    `PostgreSQL did not start on ${plan.cluster.dataDirectory}:\n${complaint.slice(-2000).trim()}\n`,
    `Mend what it names (the whole log is ${logFile(plan)}), or set DATABASE_URL.`,
  );
}
