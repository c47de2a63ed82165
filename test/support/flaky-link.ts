import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy in front of a database that can fail as a cable does: it falls silent with its connections open, or
 * breaks.
 */
export class FlakyLink {
  private readonly sockets = new Set<Socket>();
  private state: 'whole' | 'frozen' | 'cut' = 'whole';

  private constructor(
    private readonly server: Server,
    /** The database's address, through the proxy. */
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<FlakyLink> {
    const url = new URL(databaseUrl);
    const { hostname, port } = new URL(databaseUrl);
    const server = createServer((socket) => link.join(socket, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the link has no port');
    url.host = `127.0.0.1:${address.port}`;
    const link = new FlakyLink(server, url.href);
    return link;
  }

  /** Lets nothing pass any more; the connections stay open. */
  freeze(): void {
    this.state = 'frozen';
    for (const socket of this.sockets) socket.pause();
  }

  /** Breaks every connection, including those to come. */
  cut(): void {
    this.state = 'cut';
    for (const socket of this.sockets) socket.destroy();
  }

  /** Lets new connections pass. Those that are frozen stay so. */
  mend(): void {
    this.state = 'whole';
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    this.carry(near, far);
    this.carry(far, near);
    if (this.state === 'cut') near.destroy();
  }

  private carry(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on('data', (chunk) => to.write(chunk));
    from.on('error', () => to.destroy()); // the user of the connection learns of it by its end
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    if (this.state === 'frozen') from.pause();
  }
}
