import type { Binaries } from './binaries.js';
import type { ClusterDirectory } from './cluster-directory.js';
import { withDirectoryLock } from './directory-lock.js';
import { stopPostmaster } from './postmaster.js';
import { settledPostmaster } from './postmaster-state.js';
import { UsageSession, isDeserted } from './usage-session.js';
import { type ServerAddress, connectionUrl } from './session.js';

interface Place {
  readonly directory: string;
  readonly cluster: ClusterDirectory;
  readonly binaries: Binaries;
}

/** One process's share of a running server (an EmbeddedPostgres): the last process that leaves stops the server. */
export class SharedServer {
  readonly url: string;
  private stopped: Promise<void> | undefined;

  private constructor(
    private readonly place: Place,
    private readonly address: ServerAddress,
    private readonly usage: UsageSession,
    readonly isAdopted: boolean,
    private readonly log: (line: string) => void,
  ) {
    this.url = connectionUrl(address);
  }

  /** Joins a running server; if that fails, one that was started for it is stopped again. Call it under the lock. */
  static async join(
    place: Place,
    address: ServerAddress,
    isAdopted: boolean,
    log: (line: string) => void,
  ): Promise<SharedServer> {
    try {
      const usage = await UsageSession.open(address, log);
      return new SharedServer(place, address, usage, isAdopted, log);
    } catch (error) {
      if (!isAdopted) await stopPostmaster(place.binaries, place.cluster);
      throw error;
    }
  }

  stop(): Promise<void> {
    this.stopped ??= withDirectoryLock(this.place.directory, () => this.leave());
    return this.stopped;
  }

  private async leave(): Promise<void> {
    await this.usage.close();
    const { dataDirectory } = this.place.cluster;
    const state = await settledPostmaster(dataDirectory);
    if (state.kind === 'absent') return;
    try {
      await this.stopIfDeserted(state.port);
    } catch (error) {
      // The server may have died while we asked, which is as good as stopped.
      if ((await settledPostmaster(dataDirectory)).kind !== 'absent') throw error;
    }
  }

  /** Stops the server if nobody uses it. The port is given anew, because others may have restarted it meanwhile. */
  private async stopIfDeserted(port: number): Promise<void> {
    if (await isDeserted({ ...this.address, port })) {
      await stopPostmaster(this.place.binaries, this.place.cluster);
      this.log('Stopped the embedded PostgreSQL.');
    } else {
      this.log('Left the embedded PostgreSQL running: others are connected.');
    }
  }
}
