import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Server, ServerOptions } from 'socket.io';
import { engineOptionsOf } from './engine-internals.js';
import { maxFrameBytes } from './frame-limit.js';
import { RoomlessAdapter } from './roomless-adapter.js';

export interface SocketAdapterOptions {
  readonly maxBodyBytes: number;
  /** Together the longest that a client whose network is gone counts as connected. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Socket.IO as this server runs it: WebSocket alone, which needs no sticky sessions. */
export class SocketAdapter extends IoAdapter {
  constructor(
    app: INestApplicationContext,
    private readonly options: SocketAdapterOptions,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    hearErrorsOfUpgrades(this.httpServer as HttpServer);
    const server = super.createIOServer(port, {
      ...options,
      transports: ['websocket'],
      adapter: RoomlessAdapter,
      serveClient: false,
      // Those who ask for a namespace that does not exist leave nothing behind.
      cleanupEmptyChildNamespaces: true,
      // Longer than a statement may take, so that a connection which cannot be opened is told so before it is closed.
      connectTimeout: 15_000,
      pingInterval: this.options.pingIntervalMs,
      pingTimeout: this.options.pingTimeoutMs,
      maxHttpBufferSize: maxFrameBytes(this.options.maxBodyBytes),
      perMessageDeflate: false,
    } as unknown as ServerOptions);
    limitFragments(server);
    return server;
  }

  /** Nest would keep observables for the decorated handlers of every connection; there are none. */
  override bindClientConnect(): void {
    // The gateway listens for itself.
  }
}

/**
 * A browser sends a long message in a few fragments. One of fragments of a byte each is counted only when it is whole, and
 * costs a thousand times what it weighs. `ws` takes 16,384 of them, and Engine.IO has no option for that.
 */
const MAX_FRAGMENTS = 256;

/** Engine.IO makes its WebSocket server anew when HTTP listens. */
function limitFragments(server: Server): void {
  const opts = engineOptionsOf(server);
  const { wsEngine: Usual } = opts;
  opts.wsEngine = class extends Usual {
    constructor(options: object) {
      super({ ...options, maxFragments: MAX_FRAGMENTS });
    }
  };
}

/** By then Engine.IO has answered. */
const STRAY_UPGRADE_MS = 2_000;

const ignore = (): void => undefined;

/**
 * Node takes its own listener off the TCP socket of an upgrade. Until `ws` listens, and for ever where the upgrade is
 * refused or leads nowhere, a client that resets its connection would be an error nobody hears, which ends the process.
 */
function hearErrorsOfUpgrades(server: HttpServer): void {
  server.prependListener('upgrade', ({ url }: IncomingMessage, socket: Socket) => {
    socket.on('error', ignore);
    // Engine.IO ends its own half of those that are none of its own, and leaves the other open.
    if (url?.startsWith('/socket.io/') !== true) setTimeout(() => socket.destroy(), STRAY_UPGRADE_MS).unref();
  });
}
