import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../cpu/proc.js';
import type { Wire } from '../load/client.js';
import type { Peer } from './peer.js';
import type { ServerProcess } from './server-process.js';

const SETTLE_MS = 1_500;

/** A system whose servers are running. */
export class RunningSystem {
  constructor(
    private readonly peer: Peer,
    private readonly servers: readonly ServerProcess[],
  ) {}

  get name(): string {
    return this.peer.name;
  }

  get wire(): Wire {
    return this.peer.wire;
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  get pids(): number[] {
    return this.servers.map(({ pid }) => pid);
  }

  /** Measures the resident memory of all servers together when they are at rest and have collected their garbage. */
  async settledBytes(): Promise<number> {
    for (let turn = 0; turn < 2; turn++) {
      await delay(SETTLE_MS);
      for (const server of this.servers) server.collectGarbage();
    }
    await delay(SETTLE_MS);
    const sizes = await Promise.all(this.pids.map(residentBytes));
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
