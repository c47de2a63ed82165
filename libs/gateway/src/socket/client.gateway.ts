import { Inject } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server, Socket } from 'socket.io';
import { Tokens } from '#auth';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Heartbeats, Presence, Sessions } from '#connection-manager';
import { Delivery } from '#delivery';
import { LOGGER, type Logger } from '#observability';
import { Fault } from '#protocol';
import { toFault } from '../to-fault.js';
import { greet } from './handshake.js';
import { SocketClient, type SocketClientContext, type Visitor } from './socket-client.js';

const RECONNECT_SPREAD_MS = 2_000;

/**
 * The Socket.IO edge. Handlers are bound here and not by decorators: Nest binds message handlers whether or not a
 * connection was accepted, ignores events nobody declared, and would run a pipeline per message. So every event of a
 * socket goes through one place, {@link SocketClient}, and is answered.
 */
@WebSocketGateway()
export class ClientGateway implements OnGatewayInit<Server> {
  private server: Server | undefined;
  private readonly clients = new Map<string, SocketClient>();
  /** Transports whose one handshake was accepted. */
  private readonly taken = new WeakSet<Socket['conn']>();
  private readonly context: SocketClientContext;
  private isDraining = false;

  constructor(
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Delivery) private readonly delivery: Delivery,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(Presence) presence: Presence,
    @Inject(Heartbeats) heartbeats: Heartbeats,
    @Inject(SETTINGS) settings: ResolvedSettings,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { tokenNoticeMs } = settings.sessions;
    this.context = { delivery, sessions, presence, heartbeats, tokens, tokenNoticeMs };
  }

  afterInit(server: Server): void {
    this.server = server;
    server.use((socket, next) => void this.authenticate(socket, next));
    server.on('connection', (socket) => this.admit(socket));
  }

  get size(): number {
    return this.clients.size;
  }

  /** Takes no one in any more, tells everyone to come back (elsewhere), lets requests under way end, and closes the sockets. */
  async drain(deadlineMs: number): Promise<void> {
    this.isDraining = true;
    for (const client of this.clients.values()) {
      client.isDraining = true;
      client.outlet.reconnect({ afterMs: Math.floor(Math.random() * RECONNECT_SPREAD_MS) });
    }
    const endsAt = performance.now() + deadlineMs;
    while (this.hasPending() && performance.now() < endsAt) await delay(20);
    await this.delivery.saveAcknowledged();
    for (const client of this.clients.values()) client.outlet.hangUp();
    while (this.clients.size > 0 && performance.now() < endsAt) await delay(10);
    this.server?.disconnectSockets(true);
  }

  private hasPending(): boolean {
    for (const client of this.clients.values()) if (client.pending > 0) return true;
    return false;
  }

  /**
   * Socket.IO takes another CONNECT as a violation only once the first is through, which needs a turn of the event loop
   * even if nothing here waits: hundreds in one TCP segment would each become a connection.
   */
  private async authenticate(socket: Socket, next: (error?: Error) => void): Promise<void> {
    try {
      const visitor = this.receive(socket);
      await this.assertSession(socket, visitor);
      socket.data = visitor;
      next();
    } catch (error) {
      const fault = toFault(error);
      this.logger.info({ code: fault.code, address: socket.handshake.address }, 'handshake refused');
      next(Object.assign(new Error(fault.message), { data: fault.toWire() }));
    }
  }

  /** Nothing is waited for here, or a second CONNECT could come in between. */
  private receive(socket: Socket): Visitor {
    if (this.isDraining) throw new Fault('DRAINING', 'this instance is shutting down');
    if (this.taken.has(socket.conn)) {
      socket.conn.close();
      throw new Fault('BAD_REQUEST', 'a transport carries one connection');
    }
    const guest = greet(socket, this.tokens);
    this.taken.add(socket.conn);
    return { ...guest, opening: this.sessions.open(guest.login) };
  }

  /**
   * A session that has ended is refused here. While the database is out of reach the client is let in, and hung up on as
   * any connection that cannot be opened: only then does Socket.IO come back by itself.
   */
  private async assertSession(socket: Socket, { opening }: Visitor): Promise<void> {
    try {
      await opening;
    } catch (error) {
      if (!(error instanceof Fault)) return;
      this.taken.delete(socket.conn);
      throw error;
    }
    if (this.isDraining) throw new Fault('DRAINING', 'this instance is shutting down');
  }

  private admit(socket: Socket): void {
    const client = new SocketClient(socket, socket.data as Visitor, this.context, this.logger);
    this.clients.set(socket.id, client);
    socket.on('disconnect', () => {
      this.clients.delete(socket.id);
      this.taken.delete(socket.conn);
    });
    void client.enter();
  }
}
