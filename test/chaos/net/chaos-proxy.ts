import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until } from '../../support/until.js';
import { ProxiedConnection, type WeatherPair } from './proxied-connection.js';
import { FAIR, type Weather } from './pipe.js';
import { resetSocket } from './reset-socket.js';

const HOST = '127.0.0.1';

/** A TCP proxy that can do to its connections what networks do: delay, cut up, swallow, tear, half close. */
export class ChaosProxy {
  private readonly connections = new Set<ProxiedConnection>();
  private weather: WeatherPair = { up: FAIR, down: FAIR };
  private server: Server | undefined;
  private latest: ProxiedConnection | undefined;

  private constructor(
    /** Asked anew for each connection. If it gives undefined, nobody is there, and the connection is reset. */
    private readonly targetPort: () => number | undefined,
    readonly port: number,
  ) {}

  static async start(targetPort: () => number | undefined): Promise<ChaosProxy> {
    const server = createServer({ allowHalfOpen: true });
    await listen(server, 0);
    const proxy = new ChaosProxy(targetPort, (server.address() as AddressInfo).port);
    proxy.adopt(server);
    return proxy;
  }

  /** The connection made last, whether or not it is still open. */
  get latestConnection(): ProxiedConnection | undefined {
    return this.latest;
  }

  get openLinks(): number {
    return this.connections.size;
  }

  /** Changes how bytes pass from now on, for connections that are open and to come. */
  changeWeather(up: Partial<Weather>, down: Partial<Weather> = up): void {
    this.weather = { up: { ...FAIR, ...up }, down: { ...FAIR, ...down } };
    for (const connection of this.connections) connection.changeTo(this.weather);
  }

  /** Swallows everything. Connections stay open, and new ones are accepted and get no answer. */
  blackHole(): void {
    this.changeWeather({ isSilent: true });
  }

  /**
   * Swallows everything on the connections open now, as when a router forgets them; new ones pass.
   * @returns these connections
   */
  blackHoleOpenOnes(): ProxiedConnection[] {
    const forgotten = [...this.connections];
    for (const connection of forgotten)
      connection.changeTo({ up: { ...FAIR, isSilent: true }, down: { ...FAIR, isSilent: true } });
    return forgotten;
  }

  clear(): void {
    this.changeWeather({});
  }

  resetAll(): void {
    for (const connection of this.connections) connection.reset();
  }

  /** Refuses new connections, as if nobody listened. Open ones go on. */
  refuse(): void {
    this.server?.close();
    this.server = undefined;
  }

  /** Accepts new connections on the same port again. */
  async accept(): Promise<void> {
    if (this.server) return;
    const server = createServer({ allowHalfOpen: true });
    // For a moment the kernel may have lent the port to an outgoing connection.
    await until(`port ${this.port} is free`, () =>
      listen(server, this.port).then(
        () => true,
        () => false,
      ),
    );
    this.adopt(server);
  }

  stop(): void {
    this.refuse();
    this.resetAll();
  }

  private adopt(server: Server): void {
    this.server = server;
    server.on('connection', (near) => this.join(near));
  }

  private join(near: Socket): void {
    const port = this.targetPort();
    if (port === undefined) {
      near.on('error', () => undefined);
      resetSocket(near);
      return;
    }
    near.setNoDelay(true);
    const far = connect({ port, host: HOST, allowHalfOpen: true, noDelay: true });
    const connection = new ProxiedConnection(near, far, this.weather, () => this.connections.delete(connection));
    this.connections.add(connection);
    this.latest = connection;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: HOST }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
