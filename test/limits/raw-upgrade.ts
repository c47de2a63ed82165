import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that asks for a WebSocket, from any address of this machine, and then sends nothing. */
export class RawUpgrade {
  heard = '';
  isClosed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  static async from(address: string, url: string): Promise<RawUpgrade> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), localAddress: address });
    const upgrade = new RawUpgrade(socket);
    await once(socket, 'connect');
    socket.write(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    return upgrade;
  }

  /** The status of the answer; undefined until there is one. */
  get status(): number | undefined {
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(this.heard) ?? [];
    return status === undefined ? undefined : Number(status);
  }

  close(): void {
    this.socket.destroy();
  }
}
