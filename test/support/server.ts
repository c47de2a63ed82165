import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

import { databaseEnv } from './pooled-suite.js';

export const JWT_SECRET = 'a-secret-for-tests-and-for-nothing-else';
export const API_KEY = 'an-api-key-for-tests';

// This file runs as a source under Jest and compiled in programs that are run by hand.
const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(basename(ROOT) === 'dist' ? ROOT : join(ROOT, 'dist'), 'apps/server/main.js');
/** One second is usual; ten servers starting at once on a busy machine with two cores take far longer. */
const START_DEADLINE_MS = 55_000;

/** One server in a process of its own. */
export class Server {
  private constructor(
    readonly process: ChildProcess,
    readonly url: string,
    readonly instanceId: string,
    /** Everything that the server logged, one JSON line each. */
    readonly lines: string[],
  ) {}

  /**
   * Starts a server and resolves once it serves. `env` goes over the defaults of the tests. A detached server does not
   * get Ctrl-C from the terminal, so that the program that started it decides how it ends.
   */
  static async start(databaseUrl: string, env: Record<string, string> = {}, isDetached = false): Promise<Server> {
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'test',
        ...databaseEnv(databaseUrl),
        PORT: '0',
        JWT_SECRET,
        API_KEYS: `tests:${API_KEY}`,
        // Tests publish and connect as fast as they can, as few users, so these limits are off. Tests of limits set
        // their own.
        MAX_PUBLISHES_PER_USER_PER_S: '0',
        MAX_LOGINS_PER_USER_PER_MIN: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: isDetached,
    });
    const lines: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const { url, instanceId } = await serving(child, lines);
    return new Server(child, url, instanceId, lines);
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Sends the signal and resolves with the exit code (null if the server died of the signal). */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.isRunning) return this.process.exitCode;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    await exited;
    return this.process.exitCode;
  }

  async rest(method: string, path: string, body?: unknown, key: string | null = API_KEY): Promise<RestAnswer> {
    const response = await fetch(this.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as RestAnswer['body'] };
  }
}

function serving(child: ChildProcess, lines: string[]): Promise<{ url: string; instanceId: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`no server within ${START_DEADLINE_MS} ms:\n${lines.join('\n')}`));
    }, START_DEADLINE_MS);
    // 'close' comes after 'exit', when all that the server printed has been read.
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}:\n${lines.join('\n')}`));
    });
    if (!child.stdout) throw new Error('the server has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (!line.includes('"msg":"serving"')) return;
      clearTimeout(timer);
      resolve(JSON.parse(line) as { url: string; instanceId: string });
    });
  });
}

export interface RestAnswer {
  readonly status: number;
  // The tests know what they asked for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a schema for each answer would test the schema
  readonly body: any;
}
