import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The path is relative to the compiled file, dist/test/chaos/world/instance.js. */
const ENTRY = fileURLToPath(new URL('../../../apps/server/main.js', import.meta.url));
const LAST_LINES = 20;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One server process, from its start to its end. */
export class ChaosInstance {
  /** Rejects if the process ends before it serves. */
  readonly serving: Promise<void>;
  readonly exited: Promise<Ending>;
  id = '';
  port: number | undefined;
  hasExited = false;
  /** True once we asked the process to end. An end that nobody asked for is a fault of the server. */
  isDismissed = false;
  private readonly process: ChildProcess;
  private readonly tail: string[] = [];

  constructor(environment: Readonly<Record<string, string>>, onLine: (line: string) => void) {
    this.process = spawn(process.execPath, ['--enable-source-maps', ENTRY], {
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const note = (line: string): void => {
      this.tail.push(line);
      if (this.tail.length > LAST_LINES) this.tail.shift();
      onLine(line);
    };
    this.exited = once(this.process, 'exit').then(([code, signal]: unknown[]) => {
      this.hasExited = true;
      this.port = undefined;
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    this.serving = Promise.race([
      this.announced(note),
      this.exited.then(({ code }) =>
        Promise.reject(new Error(`ended with ${code} before it served\n${this.lastLines}`)),
      ),
    ]);
    // Those who wait for the start get the error; nobody has to wait.
    this.serving.catch(() => undefined);
  }

  get lastLines(): string {
    return this.tail.join('\n');
  }

  get isServing(): boolean {
    return this.port !== undefined;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasExited) this.process.kill(signal);
  }

  /** Asks the process to end. One that is stopped by SIGSTOP reacts to SIGKILL only. */
  async dismiss(signal: NodeJS.Signals): Promise<Ending> {
    this.isDismissed = true;
    this.signal(signal);
    return this.exited;
  }

  private announced(note: (line: string) => void): Promise<void> {
    const { stdout, stderr } = this.process;
    if (!stdout || !stderr) throw new Error('the process has no output');
    createInterface({ input: stderr }).on('line', note);
    return new Promise((resolve) => {
      createInterface({ input: stdout }).on('line', (line) => {
        note(line);
        if (this.port !== undefined || !line.includes('"msg":"serving"')) return;
        const { url, instanceId } = JSON.parse(line) as { url: string; instanceId: string };
        this.id = instanceId;
        this.port = Number(new URL(url).port);
        resolve();
      });
    });
  }
}
