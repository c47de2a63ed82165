import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type ServerOptions } from 'socket.io';

/** Makes a Socket.IO server that is set up as Trunkline's: WebSocket alone, no compression. */
export function createIo(options: Partial<ServerOptions> = {}): Server {
  return new Server(createServer(), {
    transports: ['websocket'],
    serveClient: false,
    perMessageDeflate: false,
    pingInterval: 10_000,
    pingTimeout: 8_000,
    ...options,
  });
}

/** Listens, reports its address on standard output, and ends on SIGTERM. */
export async function serve(io: Server): Promise<void> {
  const http = io.httpServer;
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'serving', url: `http://127.0.0.1:${port}` })}\n`);
  process.on('SIGTERM', () => process.exit(0));
}
