import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 30_000;
const LAST_LINES = 20;
const COLLECT_GARBAGE = new URL('../servers/collect-garbage.js', import.meta.url).href;

export interface ServerOptions {
  /** A program of this build, relative to `dist/`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeArgs: readonly string[];
}

/** A server process of any of the systems, which prints `"msg":"serving"` with its `url` once it serves. */
export class ServerProcess {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start({ program, env, nodeArgs }: ServerOptions): Promise<ServerProcess> {
    const file = fileURLToPath(new URL(`../../${program}`, import.meta.url));
    const args = ['--enable-source-maps', '--expose-gc', '--import', COLLECT_GARBAGE, ...nodeArgs, file];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServerProcess(child, await serving(child));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  collectGarbage(): void {
    this.process.kill('SIGUSR2');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_DEADLINE_MS);
    this.process.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }
}

/** Waits until the server serves. Its later output is thrown away, except for errors. */
function serving(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the server has no output');
  return new Promise((resolve, reject) => {
    const tail: string[] = [];
    const fail = (what: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`${what}\n${tail.join('\n')}`));
    };
    const timer = setTimeout(() => fail(`no server within ${START_DEADLINE_MS} ms`), START_DEADLINE_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`the server ended with ${code}`);
    });
    createInterface({ input: stderr }).on('line', (line) => process.stderr.write(`server: ${line}\n`));
    createInterface({ input: stdout }).on('line', (line) => {
      if (tail.push(line) > LAST_LINES) tail.shift();
      if (/"level":[56]0/.test(line)) process.stderr.write(`server: ${line}\n`);
      if (!line.includes('"msg":"serving"')) return;
      clearTimeout(timer);
      resolve((JSON.parse(line) as { url: string }).url);
    });
  });
}

/** Starts all servers or none: if one fails, the others are stopped. */
export async function startServers(
  count: number,
  start: (server: number) => Promise<ServerProcess>,
): Promise<ServerProcess[]> {
  const starting = await Promise.allSettled(Array.from({ length: count }, (_, server) => start(server)));
  const servers = starting.flatMap((started) => (started.status === 'fulfilled' ? [started.value] : []));
  const failed = starting.find((started) => started.status === 'rejected');
  if (!failed) return servers;
  await Promise.all(servers.map((server) => server.stop()));
  throw failed.reason;
}
