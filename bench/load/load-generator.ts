import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Argument, Call, Method, Result } from './call.js';

const ENTRY = fileURLToPath(new URL('./main.js', import.meta.url));
const STOP_DEADLINE_MS = 10_000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The load generator, seen from the bench: a process of its own with some threads, each with clients of its own. */
export class LoadGenerator {
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;

  private constructor(
    private readonly process: ChildProcess,
    readonly threads: number,
  ) {
    process.on('message', (answer: Answer) => this.settle(answer));
    process.on('exit', (code) => this.fail(new Error(`the load generator ended with ${code}`)));
  }

  static start(threads: number, execArgv: readonly string[]): LoadGenerator {
    const child = fork(ENTRY, [String(threads)], { execArgv: [...execArgv], serialization: 'advanced' });
    return new LoadGenerator(child, threads);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Makes the same call in every thread, each with its own argument. The results have the order of the threads. */
  each<M extends Method>(method: M, toArgument: (thread: number) => Argument<M>): Promise<Result<M>[]> {
    const threads = Array.from({ length: this.threads }, (_, thread) => thread);
    return Promise.all(threads.map((thread) => this.call(thread, method, toArgument(thread))));
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_DEADLINE_MS);
    this.process.disconnect();
    await exited;
    clearTimeout(timer);
  }

  private call<M extends Method>(thread: number, method: M, argument: Argument<M>): Promise<Result<M>> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.process.send({ id, thread, method, argument } satisfies Call);
    });
  }

  private settle({ id, result, error }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
