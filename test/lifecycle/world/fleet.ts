import { Server } from '../../support/server.js';
import { freePorts } from './free-ports.js';

export interface LifecycleFleetOptions {
  readonly databaseUrl: string;
  readonly ports?: readonly number[];
  readonly size?: number;
  readonly env?: Record<string, string>;
  /** See {@link Server.start}. */
  readonly isDetached?: boolean;
}

/** Server processes that keep their ports over restarts. */
export class LifecycleFleet {
  private constructor(
    readonly servers: Server[],
    readonly ports: readonly number[],
    private readonly start: (port: number) => Promise<Server>,
  ) {}

  static async open({
    databaseUrl,
    size = 3,
    ports,
    env = {},
    isDetached = false,
  }: LifecycleFleetOptions): Promise<LifecycleFleet> {
    const given = ports ?? (await freePorts(size));
    const start = (port: number): Promise<Server> =>
      Server.start(databaseUrl, { ...env, PORT: String(port) }, isDetached);
    const fleet = new LifecycleFleet([], given, start);
    try {
      // The first server migrates the database, so they start one after the other.
      for (const port of given) fleet.servers.push(await start(port));
      return fleet;
    } catch (error) {
      await fleet.end();
      throw error;
    }
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  at(index: number): Server {
    const server = this.servers[index];
    if (!server) throw new Error(`there is no instance ${index}`);
    return server;
  }

  /**
   * Drains a server and starts the next one on its port.
   * @returns the exit code
   */
  async restart(index: number): Promise<number | null> {
    const code = await this.at(index).end('SIGTERM');
    await this.replace(index);
    return code;
  }

  async replace(index: number): Promise<void> {
    this.servers[index] = await this.start(this.ports[index] ?? 0);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<(number | null)[]> {
    return Promise.all(this.servers.map((server) => server.end(signal)));
  }
}
