import { LifecycleFleet } from './fleet.js';
import { freePorts } from './free-ports.js';
import { Nginx } from './nginx.js';

export interface TopologyOptions {
  readonly databaseUrl: string;
  /** The port of nginx; the instances take the next ones. With 0 all of them take free ports. */
  readonly port?: number;
  readonly env?: Record<string, string>;
  /** See {@link Server.start}. */
  readonly isDetached?: boolean;
}

const INSTANCES = 3;

/** Three instances behind nginx: what docker-compose.yml starts, as processes. */
export class Topology {
  private constructor(
    readonly fleet: LifecycleFleet,
    readonly nginx: Nginx,
  ) {}

  static async open({ databaseUrl, port = 0, env = {}, isDetached = false }: TopologyOptions): Promise<Topology> {
    const [first = 0, ...ports] = port === 0 ? await freePorts(INSTANCES + 1) : portsFrom(port);
    const fleet = await LifecycleFleet.open({
      databaseUrl,
      ports,
      env: { TRUST_PROXY: '127.0.0.1', ...env },
      isDetached,
    });
    try {
      return new Topology(fleet, await Nginx.start(first, ports));
    } catch (error) {
      await fleet.end();
      throw error;
    }
  }

  get url(): string {
    return this.nginx.url;
  }

  /**
   * Stops the instances first, so that their clients are told.
   * @returns their exit codes
   */
  async end(signal?: NodeJS.Signals): Promise<(number | null)[]> {
    const codes = await this.fleet.end(signal);
    await this.nginx.stop();
    return codes;
  }
}

function portsFrom(port: number): number[] {
  return Array.from({ length: INSTANCES + 1 }, (_, n) => port + n);
}
