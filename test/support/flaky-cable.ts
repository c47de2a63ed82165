import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy before a database that can fail as a cable does: fall silent with its connections open, or break. */
export class FlakyCable {
  private readonly sockets = new Set<Socket>();
  private state: 'whole' | 'frozen' | 'cut' = 'whole';

  private constructor(
    private readonly server: Server,
    /** The database's address, through the cable. */
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<FlakyCable> {
    const url = new URL(databaseUrl);
    const { hostname, port } = new URL(databaseUrl);
    const server = createServer((socket) => cable.join(socket, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the cable has no port');
    url.host = `127.0.0.1:${address.port}`;
    const cable = new FlakyCable(server, url.href);
    return cable;
  }

  /** Nothing passes any more, and nobody is told. */
  freeze(): void {
    this.state = 'frozen';
    for (const socket of this.sockets) socket.pause();
  }

  /** Breaks every connection, and those to come. */
  cut(): void {
    this.state = 'cut';
    for (const socket of this.sockets) socket.destroy();
  }

  /** For connections to come; those that are frozen stay so. */
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
    from.on('error', () => to.destroy()); // who uses the connection hears of it
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    if (this.state === 'frozen') from.pause();
  }
}
