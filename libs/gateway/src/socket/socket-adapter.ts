import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Server, ServerOptions } from 'socket.io';
import { innerEngineOf } from './fast-path/engine-internals.js';
import { RoomlessAdapter } from './fast-path/roomless-adapter.js';
import { maxFrameBytes } from './throttle/frame-limit.js';

export interface SocketAdapterOptions {
  readonly maxBodyBytes: number;
  /** Together with the timeout, the longest that a client counts as connected after its network is gone. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Sets up Socket.IO as this server runs it: over WebSocket alone, which needs no sticky sessions. */
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
      // A client that asks for a namespace that does not exist leaves nothing behind.
      cleanupEmptyChildNamespaces: true,
      // This is longer than a statement may take, so a client that cannot be connected is told so before it is closed.
      connectTimeout: 15_000,
      pingInterval: this.options.pingIntervalMs,
      pingTimeout: this.options.pingTimeoutMs,
      maxHttpBufferSize: maxFrameBytes(this.options.maxBodyBytes),
      perMessageDeflate: false,
    } as unknown as ServerOptions);
    limitFragments(server);
    return server;
  }

  /** Does nothing: Nest would keep observables for the decorated handlers of every connection, but there are none. */
  override bindClientConnect(): void {
    // The gateway itself listens for connections.
  }
}

/**
 * A browser sends a long message in a few fragments. A message in fragments of one byte each is counted only when it is
 * whole, and costs a thousand times what it weighs. `ws` takes 16,384 fragments, and Engine.IO has no option for that.
 */
const MAX_FRAGMENTS = 256;

/** Has Engine.IO make its WebSocket server anew, of another class. */
function limitFragments(server: Server): void {
  const { opts } = innerEngineOf(server);
  const { wsEngine: Usual } = opts;
  opts.wsEngine = class extends Usual {
    constructor(options: object) {
      super({ ...options, maxFragments: MAX_FRAGMENTS });
    }
  };
  innerEngineOf(server).init();
}

/** How long an upgrade that is not Engine.IO's may stay open. By then Engine.IO has answered it. */
const STRAY_UPGRADE_MS = 2_000;

const ignore = (): void => undefined;

/**
 * Listens for errors of upgrades. Node takes its own listener off the TCP socket of an upgrade. Until `ws` listens, and
 * for ever if the upgrade is refused or leads nowhere, a client that resets its connection would cause an error that
 * nobody handles, which ends the process.
 */
function hearErrorsOfUpgrades(server: HttpServer): void {
  server.prependListener('upgrade', ({ url }: IncomingMessage, socket: Socket) => {
    socket.on('error', ignore);
    // For upgrades that are not its own, Engine.IO ends its half of the connection and leaves the other open.
    if (url?.startsWith('/socket.io/') !== true) setTimeout(() => socket.destroy(), STRAY_UPGRADE_MS).unref();
  });
}
