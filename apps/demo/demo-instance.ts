import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DemoInstanceSettings {
  readonly id: string;
  readonly port: number;
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
}

const READY_DEADLINE_MS = 60_000;
const READY_POLL_MS = 50;
const PROBE_TIMEOUT_MS = 2_000;
const STOP_DEADLINE_MS = 30_000;
const LAST_LINES = 15;

/** One server process of the demo. */
export class DemoInstance {
  readonly id: string;
  readonly url: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;
  isServing = false;
  /** True once we asked the process to end. An end that we did not ask for is a fault. */
  isDismissed = false;

  private readonly process: ChildProcess;
  private tail: string[] = [];

  constructor({ id, port, entry, environment }: DemoInstanceSettings) {
    this.id = id;
    this.url = `http://127.0.0.1:${port}`;
    // The process is detached, so that Ctrl-C reaches only the demo, which then stops the instances in order.
    this.process = spawn(process.execPath, [entry], {
      env: { ...environment, PORT: String(port), INSTANCE_ID: id },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const isOver = (): void => void (this.isServing = false);
    // An 'error' instead of an 'exit' means that the process was never started.
    this.exited = once(this.process, 'exit').then(isOver, isOver);
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk) => this.keep(String(chunk)));
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  get hasExited(): boolean {
    return this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** The last lines that the process printed, for reports of its failure. */
  get lastLines(): string {
    return this.tail.join('\n');
  }

  async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_DEADLINE_MS;
    while (!(await this.isHealthy())) {
      if (this.hasExited) throw new Error(`instance ${this.id} ended before it was ready:\n${this.lastLines}`);
      if (Date.now() > deadline) {
        throw new Error(`instance ${this.id} was not ready within ${READY_DEADLINE_MS / 1000} s:\n${this.lastLines}`);
      }
      await sleep(READY_POLL_MS);
    }
    this.isServing = !this.hasExited;
  }

  /** Kills the process with SIGKILL, as a crash or the out-of-memory killer would. */
  async kill(): Promise<void> {
    this.isDismissed = true;
    this.isServing = false;
    this.signal('SIGKILL');
    await this.exited;
  }

  /**
   * Ends the process with SIGTERM.
   * @returns false if it had to be killed
   */
  async stop(): Promise<boolean> {
    this.isDismissed = true;
    this.isServing = false;
    this.signal('SIGTERM');
    await Promise.race([this.exited, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
    const stopped = this.hasExited;
    if (!stopped) await this.kill();
    return stopped;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.hasExited) this.process.kill(name);
  }

  private async isHealthy(): Promise<boolean> {
    const probe = fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return probe.then(
      ({ ok }) => ok,
      () => false,
    );
  }

  private keep(chunk: string): void {
    const lines = chunk.split('\n').filter((line) => line.trim() !== '');
    this.tail = [...this.tail, ...lines].slice(-LAST_LINES);
  }
}
