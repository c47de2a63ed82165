import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { IncomingMessage } from 'node:http';
import type { Server, ServerOptions } from 'socket.io';
import { RoomlessAdapter } from './roomless-adapter.js';

export interface SocketAdapterOptions {
  readonly corsOrigins: readonly string[];
  /** Pages served by this machine may connect: development. */
  readonly allowsLocalhost: boolean;
  readonly maxBodyBytes: number;
  /** Together the longest that a client whose network is gone counts as connected. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Room for the packet around the longest body: ids, metadata, escapes. */
const PACKET_OVERHEAD_BYTES = 65_536;
const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Socket.IO as this server runs it: WebSocket alone, which needs no sticky sessions. */
export class SocketAdapter extends IoAdapter {
  constructor(
    app: INestApplicationContext,
    private readonly options: SocketAdapterOptions,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const server = super.createIOServer(port, {
      ...options,
      transports: ['websocket'],
      adapter: RoomlessAdapter,
      serveClient: false,
      connectTimeout: 10_000,
      pingInterval: this.options.pingIntervalMs,
      pingTimeout: this.options.pingTimeoutMs,
      maxHttpBufferSize: this.options.maxBodyBytes * 2 + PACKET_OVERHEAD_BYTES,
      perMessageDeflate: false,
    } as unknown as ServerOptions);
    // Not allowRequest or cors: the one is skipped when the URL has a sid, the other does not cover WebSocket upgrades.
    server.engine.use((request: IncomingMessage, _response: unknown, next: (error?: Error) => void) => {
      next(this.isAllowed(request.headers.origin) ? undefined : new Error('origin not allowed'));
    });
    return server;
  }

  /** Nest would keep observables for the decorated handlers of every connection; there are none. */
  override bindClientConnect(): void {
    // The gateway listens for itself.
  }

  /** Only browsers send an Origin; what has none is no page of somebody else's. */
  private isAllowed(origin: string | undefined): boolean {
    const { corsOrigins, allowsLocalhost } = this.options;
    if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
    return allowsLocalhost && LOCALHOST.test(origin);
  }
}
