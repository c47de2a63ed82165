import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy before a database that can fall silent as a cut cable does: its connections stay open, and nothing
 * passes. New connections pass again after `thaw`.
 */
export class FreezingProxy {
  private readonly sockets = new Set<Socket>();
  private isFrozen = false;

  private constructor(
    private readonly server: Server,
    /** The database's address, through the proxy. */
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<FreezingProxy> {
    const target = new URL(databaseUrl);
    const server = createServer((socket) => proxy.join(socket, connect(Number(target.port), target.hostname)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(databaseUrl);
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
    url.host = `127.0.0.1:${address.port}`;
    const proxy = new FreezingProxy(server, url.href);
    return proxy;
  }

  freeze(): void {
    this.isFrozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** For connections to come; those that were frozen stay so. */
  thaw(): void {
    this.isFrozen = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('close', () => to.destroy());
      // Ends with the other side; who uses the connection hears of it.
      from.on('error', () => to.destroy());
      if (this.isFrozen) from.pause();
    }
  }
}
