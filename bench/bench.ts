import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Infrastructure } from './infrastructure/infrastructure.js';
import { LoadGenerator } from './load/load-generator.js';
import type { BenchOptions } from './options.js';
import { PEERS } from './peers/index.js';
import type { SystemName } from './peers/peer.js';
import { RunningSystem } from './peers/running-system.js';

/** Keeps everything that a run has started, so that nothing of it is left behind. */
export class Bench {
  readonly infrastructure: Infrastructure;
  readonly jwtSecret = randomBytes(32).toString('hex');
  readonly apiKey = randomBytes(24).toString('hex');
  private readonly running = new Set<{ stop(): Promise<void> }>();
  private started = 0;

  constructor(readonly options: BenchOptions) {
    this.infrastructure = new Infrastructure(options.postgresBin);
  }

  /**
   * Starts the servers of a system and resolves once they serve. The caller stops them; {@link stop} stops those that
   * the caller could not.
   */
  async startSystem(name: SystemName, instances: number): Promise<RunningSystem> {
    const { infrastructure, jwtSecret, apiKey } = this;
    const peer = PEERS[name];
    const nodeArgs = await this.profiling();
    const servers = await peer.start({
      infrastructure,
      instances,
      jwtSecret,
      apiKey,
      nodeArgs: (server) => nodeArgs(`${name}-${server + 1}`),
    });
    return this.keep(new RunningSystem(peer, servers));
  }

  async startLoad(): Promise<LoadGenerator> {
    const nodeArgs = await this.profiling();
    return this.keep(LoadGenerator.start(this.options.threads, nodeArgs('load')));
  }

  /** Makes a new name for each measurement, so that none meets the users of another. */
  nextRun(): string {
    return `r${++this.started}`;
  }

  /** Reports progress on standard error, because standard output is for results. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.running].map((child) => child.stop()));
    await this.infrastructure.stop();
  }

  private keep<Child extends { stop(): Promise<void> }>(child: Child): Child {
    this.running.add(child);
    return child;
  }

  /** Makes arguments for Node with which it writes a profile when the process ends. */
  private async profiling(): Promise<(name: string) => string[]> {
    const { profile } = this.options;
    if (profile === undefined) return () => [];
    const directory = resolve(profile);
    await mkdir(directory, { recursive: true });
    // Node puts the pid and thread into the name of the file, which keeps the profiles of a generator's threads, and of
    // several rounds, apart.
    return (name) => ['--cpu-prof', `--cpu-prof-dir=${directory}/${name}`];
  }
}
