import { Inject } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'socket.io';
import { Tokens } from '#auth';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Heartbeats, Sessions } from '#connection-manager';
import { Delivery } from '#delivery';
import { FairQueue, SharedLimits, Suspects } from '#limits';
import { cut, LOGGER, METER, RequestLog, requestIdOf, ThrottledLog, type Logger, type Meter } from '#observability';
import { ProtocolError } from '#protocol';
import { Admission } from './admission/admission.js';
import { Authenticator, type AcceptedHandshake } from './admission/authenticator.js';
import { ClientAddress } from './admission/client-address.js';
import { NewTransports } from './admission/new-transports.js';
import { Refusals, REFUSALS_LOGGED_PER_S } from './admission/refusals.js';
import { TransportGuard, type TransportRequest } from './admission/transport-guard.js';
import { ClientSocket, type ClientSocketContext } from './client-socket.js';
import { drainClients, type DrainOptions } from './drain-clients.js';
import { isEngineKnown, UNKNOWN_PACKAGES } from './fast-path/engine-internals.js';
import { GatewayMetrics } from '../gateway-metrics.js';
import { RequestHandlers } from './requests/request-handlers.js';
import { maxFrameBytes } from './throttle/frame-limit.js';
import { SocketThrottles } from './throttle/socket-throttles.js';

const TOKEN_LOOK_MS = 250;
const THROTTLE_LOOK_MS = 50;
const SWEEP_MS = 10_000;
const UNKNOWN_ENGINE =
  'sockets are slower: this server does not know the inside of these versions, and leaves all events to them';
/**
 * The Socket.IO edge. Handlers are bound here and not by decorators, because Nest binds message handlers whether or not
 * a connection was accepted, ignores events that nobody declared, and would run a pipeline per message. So every event
 * of a socket goes through one place, {@link ClientSocket}, and is answered.
 */
@WebSocketGateway()
export class ClientGateway implements OnGatewayInit<Server> {
  private server: Server | undefined;
  private readonly clients = new Map<string, ClientSocket>();
  private readonly admission: Admission;
  private readonly address: ClientAddress;
  private readonly guard: TransportGuard;
  private readonly newTransports: NewTransports;
  private readonly refusals: Refusals;
  private readonly authenticator: Authenticator;
  private readonly context: ClientSocketContext;
  private timers: NodeJS.Timeout[] = [];
  private isOpen = false;
  private isDraining = false;

  constructor(
    @Inject(SETTINGS)
    { admission, auth, body, isProduction, sessions: { tokenNoticeMs, clockToleranceMs }, sockets }: ResolvedSettings,
    tokens: Tokens,
    delivery: Delivery,
    sessions: Sessions,
    handlers: RequestHandlers,
    heartbeats: Heartbeats,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter,
    private readonly requestLog: RequestLog,
    suspects: Suspects,
    fairQueue: FairQueue,
    sharedLimits: SharedLimits,
  ) {
    const metrics = new GatewayMetrics(meter, this, admission.maxConnections);
    const onGone = ({ socket }: ClientSocket): void => void this.clients.delete(socket.id);
    const limits = { tokenNoticeMs, clockToleranceMs, maxFrameBytes: maxFrameBytes(body.maxBytes) };
    const { limited } = metrics;
    const onFlood = (address: string): void => suspects.note(address, 'flood');
    const throttles = new SocketThrottles({ ...sockets, limited, onFlood });
    const refusalLog = new ThrottledLog(REFUSALS_LOGGED_PER_S);
    const parts = { delivery, sessions, handlers, heartbeats, tokens, throttles, fairQueue };
    this.context = { ...parts, ...limits, metrics, logger, refusalLog, onGone };
    this.newTransports = new NewTransports({ ...sockets, limited, suspects });
    this.admission = new Admission(admission, sharedLimits.connections);
    this.address = new ClientAddress(admission.trustedProxies);
    const { address, newTransports } = this;
    this.refusals = new Refusals({ metrics, logger, refusalLog, newTransports, address });
    this.authenticator = new Authenticator({
      ...{ tokens, sessions, logins: sharedLimits.logins, address, newTransports },
      admission: this.admission,
      refusals: this.refusals,
      assertNotDraining: () => this.assertNotDraining(),
      toClient: (socket, handshake) => new ClientSocket(socket, handshake, this.context),
    });
    const { corsOrigins } = auth;
    const allowsLocalhost = !isProduction && corsOrigins.length === 0;
    const shortage = (request: IncomingMessage, isUpgrade: boolean): ProtocolError | undefined =>
      this.shortage() ?? (isUpgrade ? this.newTransports.open(request, this.address.of(request), now()) : undefined);
    this.guard = new TransportGuard({ corsOrigins, allowsLocalhost, shortage, metrics, logger, requestLog });
  }

  afterInit(server: Server): void {
    this.server = server;
    if (!isEngineKnown) this.logger.warn({ packages: UNKNOWN_PACKAGES }, UNKNOWN_ENGINE);
    // A middleware is used because allowRequest is skipped when the URL has a sid, and cors does not cover WebSocket
    // upgrades.
    server.engine.use((request: TransportRequest, response: unknown, next: () => void) =>
      this.newTransports.queue.run(() => this.guard.pass(request, response, next)),
    );
    server.engine.on('headers', (headers: Record<string, string>, request: IncomingMessage) =>
      Object.assign(headers, this.requestLog.headers(request)),
    );
    server.engine.on('connection', (conn: Socket['conn']) =>
      this.newTransports.watch(conn as never, conn.request.socket),
    );
    server.use((socket, next) => this.contain(socket, () => this.authenticator.authenticate(socket, next)));
    server.on('connection', (socket) => this.contain(socket, () => this.admit(socket)));
    this.refuseOtherNamespaces(server);
    const { throttles } = this.context;
    this.timers = [
      setInterval(() => this.checkTokens(Date.now()), TOKEN_LOOK_MS),
      setInterval(() => [throttles, this.newTransports].forEach((part) => part.look(now())), THROTTLE_LOOK_MS),
      setInterval(() => [throttles, this.newTransports].forEach((part) => part.sweep(now())), SWEEP_MS),
    ];
  }

  /** Lets clients in from now on. */
  open(): void {
    this.isOpen = true;
  }

  get size(): number {
    return this.clients.size;
  }

  /** How many WebSockets are open, also those whose client has not been let in. */
  get transports(): number {
    return this.server?.engine.clientsCount ?? 0;
  }

  /** Lets no client in any more, sends those that are here away at the given pace, and ends. */
  async drain(options: DrainOptions): Promise<void> {
    this.isDraining = true;
    await drainClients(this.clients, options);
    this.cut();
  }

  /** Closes a connection because an operator wants it; its client may come back. */
  disconnect(connectionId: string): void {
    this.clients.get(connectionId)?.transport.close(new ProtocolError('DISCONNECTED', 'closed by an operator'));
  }

  /** Ends every connection at once, whatever is under way. */
  cut(): void {
    this.isDraining = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const client of this.clients.values()) client.transport.hangUp();
    for (const socket of this.server?.sockets.sockets.values() ?? []) socket.disconnect(true);
  }

  /** Looks at the tokens of all connections. They share one timer, because a timer for each would take 300 bytes. */
  private checkTokens(nowMs: number): void {
    for (const client of this.clients.values()) client.look(nowMs);
  }

  /** Runs what is done for one client, so that an error in it ends the connection of that client and nothing else. */
  private contain({ conn }: Socket, run: () => Promise<void>): void {
    run().catch((error: unknown) => {
      this.logger.error({ err: error }, 'a client failed, hanging up');
      conn.close();
    });
  }

  private shortage(): ProtocolError | undefined {
    if (!this.isOpen) return new ProtocolError('UNAVAILABLE', 'this instance is starting');
    if (this.isDraining) return draining();
    return this.admission.shortage();
  }

  private assertNotDraining(): void {
    if (this.isDraining) throw draining();
  }

  /** Refuses every other namespace with an error code, which Socket.IO itself would leave out. */
  private refuseOtherNamespaces(server: Server): void {
    const others = server.of((_name: string, _auth: unknown, next: (error: null, isThere: boolean) => void) =>
      next(null, true),
    );
    others.use((socket, next) =>
      this.contain(socket, async () => {
        const message = `there is no namespace ${cut(socket.nsp.name, 50)}: connect to /, without a path in the URL`;
        this.refusals.refuse(socket, new ProtocolError('NOT_FOUND', message), next);
      }),
    );
  }

  private async admit(socket: Socket): Promise<void> {
    const accepted = socket.data as AcceptedHandshake | ProtocolError;
    socket.data = undefined;
    if (accepted instanceof ProtocolError) return turnAway(socket, accepted);
    this.newTransports.admit(socket.request.socket);
    const { client, resume, opening } = accepted;
    this.clients.set(socket.id, client);
    this.logger.debug(
      { connectionId: socket.id, user: client.user, requestId: requestIdOf(socket.request) },
      'connected',
    );
    // The client's handshake was under way when the drain began.
    if (this.isDraining) client.leavesAtMs = performance.now();
    await client.enter(resume, opening);
  }
}

function now(): number {
  return performance.now();
}

function draining(): ProtocolError {
  return new ProtocolError('DRAINING', 'this instance is shutting down');
}

function turnAway(socket: Socket, error: ProtocolError): void {
  socket.emit('closing', error.toWire());
  socket.conn.close();
}
