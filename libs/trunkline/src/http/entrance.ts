import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { MountPoint } from './mount-point.js';

/**
 * How long a client may take until a request is complete. By default Node checks its deadlines only every 30 s, so that
 * a deadline of ten seconds could take forty.
 */
const HTTP_DEADLINES: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
};
/** Allowed beside the Socket.IO connections: probes, REST requests, half-finished handshakes. */
const MORE_CONNECTIONS = 4_000;

interface Address {
  readonly port: number;
  readonly host: string;
}

/** Where the instances of a process are reached, one after the other: a port of their own, or a path of a host's server. */
export class Entrance {
  private readonly mountPoint: MountPoint;

  private constructor(
    private readonly server: Server,
    /** The path under which everything is; empty on a port of its own. */
    readonly path: string,
    /** Undefined in a host application, which listens and closes by itself. */
    private readonly address?: Address,
  ) {
    this.mountPoint = new MountPoint(server, path);
  }

  /** Makes an entrance of its own, which listens once it is opened. */
  static onPort(address: Address, maxConnections: number): Entrance {
    const server = createServer(HTTP_DEADLINES);
    server.maxConnections = 2 * maxConnections + MORE_CONNECTIONS;
    // Node drops the headers beyond a count, even the one that announces a body. maxHeaderSize bounds all of them
    // instead.
    server.maxHeadersCount = 0;
    return new Entrance(server, '', address);
  }

  /** Makes an entrance in the HTTP server of a host application. */
  static under(path: string, server: Server): Entrance {
    return new Entrance(server, path);
  }

  /** True in a host application, which then also says where Nest's own lines go: Nest has one logger per process. */
  get isInHost(): boolean {
    return this.address === undefined;
  }

  /** Gives requests to the server of this instance from now on; to none, they are answered with 503. */
  lead(target: Server | undefined): void {
    this.mountPoint.lead(target);
  }

  /** Listens, unless it does already or the host application will. */
  async open(): Promise<void> {
    if (!this.address || this.server.listening) return;
    this.server.listen(this.address.port, this.address.host);
    await once(this.server, 'listening');
  }

  /** Listens no more. The promise resolves when all connections have ended. */
  async close(): Promise<void> {
    if (!this.address || !this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  /** Ends the connections that nobody is served on. */
  cut(): void {
    if (this.address) this.server.closeAllConnections();
  }

  /** The address of this entrance, such as http://127.0.0.1:3000; only the path while the host does not listen. */
  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') return this.path;
    const host = HOSTS_OF_ALL.get(address.address) ?? address.address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}${this.path}`;
  }
}

/** Where a server that listens on all addresses is reached from this machine. */
const HOSTS_OF_ALL = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);
