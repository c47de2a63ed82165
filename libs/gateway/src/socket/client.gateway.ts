import { Inject } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server, Socket } from 'socket.io';
import { Tokens } from '#auth';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Heartbeats, Presence, Sessions } from '#connection-manager';
import { Delivery } from '#delivery';
import { toFault } from '#http';
import { LOGGER, METER, RequestLog, requestIdOf, type Logger, type Meter } from '#observability';
import { Fault, type Ack } from '#protocol';
import { Admission } from './admission.js';
import { ClientAddress } from './client-address.js';
import { departures } from './departures.js';
import { GatewayMetrics } from '../gateway-metrics.js';
import { greet } from './handshake.js';
import { SocketClient, type SocketClientContext } from './socket-client.js';

/** Transports beyond the connections: those whose handshake has not come yet, or was refused. */
const MORE_TRANSPORTS = 1_000;
/** How late a client may be for its turn before its socket is closed for it. */
const GRACE_MS = 250;
const LOOK_MS = 20;
const TOKEN_LOOK_MS = 250;
/** Of the time for draining: the rest is for requests under way and for what has to be written. */
const SPREAD_SHARE = 0.7;
const END_SHARE = 0.85;

/** Between its handshake and its connection. */
interface Visitor {
  readonly client: SocketClient;
  readonly resume: Ack;
  /** Of its session. */
  readonly opening: Promise<void>;
}

export interface DrainOptions {
  readonly timeoutMs: number;
  readonly reconnectsPerS: number;
}

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
  private readonly maxTransports: number;
  private readonly admission: Admission;
  private readonly address: ClientAddress;
  private readonly context: SocketClientContext;
  private readonly metrics: GatewayMetrics;
  private timer: NodeJS.Timeout | undefined;
  private isOpen = false;
  private isDraining = false;

  constructor(
    @Inject(SETTINGS) { admission, sessions: { tokenNoticeMs, clockToleranceMs } }: ResolvedSettings,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Delivery) delivery: Delivery,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(Presence) presence: Presence,
    @Inject(Heartbeats) heartbeats: Heartbeats,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter,
    @Inject(RequestLog) private readonly requestLog: RequestLog,
  ) {
    const metrics = (this.metrics = new GatewayMetrics(meter, () => this.size, admission.maxConnections));
    const onGone = (client: SocketClient): void => this.forget(client);
    this.context = {
      delivery,
      sessions,
      presence,
      heartbeats,
      tokens,
      metrics,
      logger,
      onGone,
      tokenNoticeMs,
      clockToleranceMs,
    };
    this.admission = new Admission(admission);
    this.address = new ClientAddress(admission.trustedProxies);
    this.maxTransports = admission.maxConnections + MORE_TRANSPORTS;
  }

  afterInit(server: Server): void {
    this.server = server;
    server.engine.use((request: IncomingMessage, _response: unknown, next: () => void) => {
      // Before the upgrade a load balancer still passes it on to the next instance, and a client tries again by itself.
      const isFull = server.engine.clientsCount >= this.maxTransports;
      if (this.isOpen && !this.isDraining && !isFull) return next();
      this.metrics.connectFailures.inc('turned_away');
      request.socket.end(unavailable(this.requestLog.headers(request)));
    });
    server.engine.on('headers', (headers: Record<string, string>, request: IncomingMessage) =>
      Object.assign(headers, this.requestLog.headers(request)),
    );
    server.use((socket, next) => void this.authenticate(socket, next));
    server.on('connection', (socket) => this.admit(socket));
    this.timer = setInterval(() => this.lookAtTokens(Date.now()), TOKEN_LOOK_MS);
  }

  /** Takes clients in from now on. */
  open(): void {
    this.isOpen = true;
  }

  get size(): number {
    return this.clients.size;
  }

  /**
   * Takes no one in any more and tells every client when to come back (elsewhere), spread at the given pace. Until its
   * turn a client is served as ever; then its requests under way end, what it acknowledged is written, and its socket
   * is closed.
   */
  async drain({ timeoutMs, reconnectsPerS }: DrainOptions): Promise<void> {
    this.isDraining = true;
    const startedAt = performance.now();
    const clients = [...this.clients.values()];
    const turns = departures(clients.length, { perSecond: reconnectsPerS, windowMs: timeoutMs * SPREAD_SHARE });
    clients.forEach((client, place) => {
      const afterMs = turns[place] ?? 0;
      client.outlet.reconnect({ afterMs });
      client.leavesAtMs = startedAt + afterMs + GRACE_MS;
    });
    const endsAt = startedAt + timeoutMs * END_SHARE;
    while (this.clients.size > 0 && performance.now() < endsAt) {
      for (const client of this.clients.values()) client.leaveIfDue(performance.now());
      await delay(LOOK_MS);
    }
    this.cut();
  }

  /** Closes a connection because an operator wants it; its client may come back. */
  disconnect(connectionId: string): void {
    this.clients.get(connectionId)?.outlet.close(new Fault('DISCONNECTED', 'closed by an operator'));
  }

  /** Ends every connection at once, whatever is under way. */
  cut(): void {
    this.isDraining = true;
    clearInterval(this.timer);
    for (const client of this.clients.values()) client.outlet.hangUp();
    for (const socket of this.server?.sockets.sockets.values() ?? []) socket.disconnect(true);
  }

  /** One timer for all: a timer for each connection would be 300 bytes. */
  private lookAtTokens(nowMs: number): void {
    for (const client of this.clients.values()) client.session.look(nowMs);
  }

  /**
   * Socket.IO takes another CONNECT as a violation only once the first is through, which needs a turn of the event loop
   * even if nothing here waits: hundreds in one TCP segment would each become a connection.
   */
  private async authenticate(socket: Socket, next: (error?: Error) => void): Promise<void> {
    const address = this.address.of(socket.request);
    let visitor: Visitor | undefined;
    try {
      visitor = this.receive(socket, address);
      await this.assertSession(visitor);
      socket.data = visitor;
      next();
      const { client } = visitor;
      // Behind Socket.IO's own, in which it lets the socket in.
      process.nextTick(() => client.leaveUnlessIn());
    } catch (error) {
      visitor?.client.leaveUnlessIn();
      const fault = toFault(error);
      this.metrics.connectFailures.inc(fault.fault);
      const requestId = requestIdOf(socket.request);
      const reason = fault.isOfToken ? fault.message : undefined;
      this.logger.info({ code: fault.code, reason, address, requestId }, 'handshake refused');
      next(Object.assign(new Error(fault.message), { data: fault.toWire() }));
    }
  }

  /** Nothing is waited for here, or a second CONNECT could come in between. */
  private receive(socket: Socket, address: string): Visitor {
    if (this.isDraining) throw new Fault('DRAINING', 'this instance is shutting down');
    if (this.taken.has(socket.conn)) {
      socket.conn.close();
      throw new Fault('BAD_REQUEST', 'a transport carries one connection');
    }
    const guest = greet(socket, this.tokens, address);
    const client = new SocketClient(socket, guest, this.context);
    client.place = this.admission.enter(client);
    this.taken.add(socket.conn);
    return { client, resume: guest.resume, opening: this.sessions.open(guest.login) };
  }

  /**
   * A session that has ended is refused here. While the database is out of reach the client is let in, and hung up on as
   * any connection that cannot be opened: only then does Socket.IO come back by itself.
   */
  private async assertSession({ client, opening }: Visitor): Promise<void> {
    try {
      await opening;
    } catch (error) {
      if (!(error instanceof Fault)) return;
      this.taken.delete(client.socket.conn);
      throw error;
    }
    if (this.isDraining) throw new Fault('DRAINING', 'this instance is shutting down');
  }

  private admit(socket: Socket): void {
    const { client, resume, opening } = socket.data as Visitor;
    socket.data = undefined;
    this.clients.set(socket.id, client);
    this.logger.debug(
      { connectionId: socket.id, user: client.user, requestId: requestIdOf(socket.request) },
      'connected',
    );
    // Its handshake was under way when the drain began.
    if (this.isDraining) client.leavesAtMs = performance.now();
    void client.enter(resume, opening);
  }

  private forget({ socket }: SocketClient): void {
    this.clients.delete(socket.id);
    this.taken.delete(socket.conn);
  }
}

/** Before the upgrade, and so in the words of HTTP. */
function unavailable(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ 'Retry-After': '1', Connection: 'close', 'Content-Length': '0', ...headers });
  return ['HTTP/1.1 503 Service Unavailable', ...lines.map((line) => line.join(': ')), '', ''].join('\r\n');
}
