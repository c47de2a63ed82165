import type { Socket } from 'socket.io';
import type { Heartbeats, Presence } from '#connection-manager';
import type { Connection, Delivery } from '#delivery';
import { toProtocolError } from '#http';
import type { FairQueue, SharedLimits } from '#limits';
import { cut, type Logger, type ThrottledLog } from '#observability';
import { isRequest, parseRequest, ProtocolError, type Ack, type RequestName, type RequestPayload } from '#protocol';
import type { GatewayMetrics } from '../gateway-metrics.js';
import type { AdmissionCandidate, Permit } from './admission/admission.js';
import { innerSocketOf } from './fast-path/engine-internals.js';
import type { HandshakeResult } from './admission/handshake.js';
import type { FrameReader } from './fast-path/frame-reader.js';
import { RequestHandlers } from './requests/request-handlers.js';
import { receiveEvents, type EventHandler } from './fast-path/fast-receiver.js';
import { SocketTransport, type SocketTransportOwner } from './fast-path/socket-transport.js';
import { SocketThrottle, type Throttled } from './throttle/socket-throttle.js';
import type { SocketThrottles } from './throttle/socket-throttles.js';
import { ClientSession, type ClientSessionOptions } from './client-session.js';

interface Request {
  readonly event: RequestName;
  readonly payload: RequestPayload<RequestName>;
  /** The text that the request came in; undefined if it came with attachments. */
  readonly json: string | undefined;
}

/**
 * The most acknowledgements of one socket that may wait to be stored. Unlike other requests they have no weight: they
 * count at once, and wait for the database however long it is away.
 */
const MAX_WAITING_ACKS = 2_000;

export interface ClientSocketContext extends ClientSessionOptions {
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly heartbeats: Heartbeats;
  readonly fairQueue: FairQueue;
  readonly sharedLimits: SharedLimits;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly maxFrameBytes: number;
  readonly throttles: SocketThrottles;
  /** The log for lines that a client can cause without end. */
  readonly refusalLog: ThrottledLog;
  /** Called when the socket of the client has closed. */
  readonly onGone: (client: ClientSocket) => void;
}

/**
 * One socket from its handshake to its end. Every event it sends is answered, with a result or a numbered error. Parts
 * that an idle connection does not need are made only when they are needed, and nothing is kept twice, because there
 * are thousands of connections.
 */
export class ClientSocket implements AdmissionCandidate, EventHandler, SocketTransportOwner, Throttled {
  readonly transport: SocketTransport;
  /** The permit of the connection, taken before anything is waited for. */
  permit: Permit | undefined;
  /** The time, by performance.now(), by which the client is to be gone because the instance drains. */
  leavesAtMs = Infinity;
  /** True once the client's time to leave has come; new requests are then refused. */
  private isLeaving = false;
  private isHangingUp = false;
  readonly session: ClientSession;
  private connection: Connection | undefined;
  /** The opening of the connection. Undefined before the client is let in, and again once the connection is open. */
  private opened: Promise<void> | undefined;
  private requests: RequestHandlers | undefined;
  /** Undefined before it is let in. */
  private reader: FrameReader | undefined;
  private throttling: SocketThrottle | undefined;
  private isIn = false;
  private isGone = false;
  private waiting = 0;
  private waitingAcks = 0;

  constructor(
    readonly socket: Socket,
    handshake: HandshakeResult,
    private readonly context: ClientSocketContext,
  ) {
    this.transport = new SocketTransport(socket, context.metrics, this);
    this.session = new ClientSession(handshake, this.transport, context);
  }

  get user(): string {
    return this.session.login.user;
  }

  get address(): string {
    return this.session.login.address;
  }

  private get throttle(): SocketThrottle {
    return (this.throttling ??= new SocketThrottle(this, this.context.throttles));
  }

  /** Made each time it is needed, which for most connections is never. Keeping one for each would take 500 bytes. */
  private get logger(): Logger {
    return this.context.logger.child({ connectionId: this.socket.id, user: this.user });
  }

  /** How many requests are under way. Acknowledgements are left out: they count at once and are stored with the end. */
  private get pending(): number {
    return this.waiting - this.waitingAcks;
  }

  /** Closes the socket when its time to leave has come and its requests are answered. */
  leaveIfDue(nowMs: number): void {
    if (nowMs < this.leavesAtMs || this.isHangingUp) return;
    this.isLeaving = true;
    if (this.pending > 0) return;
    this.isHangingUp = true;
    this.context.delivery
      .saveAcknowledged()
      .then(() => this.transport.hangUp())
      .catch((error: unknown) => this.fail(error));
  }

  /** Announces the end of the client's token, and ends the connection with it. */
  look(nowMs: number): void {
    try {
      this.session.look(nowMs);
    } catch (error) {
      this.fail(error);
    }
  }

  displace(error: ProtocolError): void {
    if (this.isIn) this.transport.close(error);
    else this.socket.conn.close();
  }

  /**
   * Returns the permit of a client that is not let in: it was refused, or its transport has closed, which Socket.IO
   * does not report before a socket is let in. The transport of a refused client still counts as half-open.
   */
  leaveUnlessIn(): void {
    if (!this.isIn) this.permit?.leave();
  }

  /** Registers the connection once its session is open. If that fails, the client is told and may come back. */
  async enter(resume: Ack, opening: Promise<void>): Promise<void> {
    this.isIn = true;
    this.reader = receiveEvents(this.socket, this);
    forgetHandshake(this.socket);
    this.session.begin();
    this.opened = this.open(resume, opening);
    try {
      await this.opened;
      this.opened = undefined;
      this.context.metrics.connects.inc();
    } catch (error) {
      const protocolError = toProtocolError(error);
      this.context.metrics.connectFailures.inc(protocolError.errorName);
      this.logger.warn({ err: error }, 'connection not opened');
      this.transport.close(protocolError);
    }
    this.permit?.opened();
  }

  private async open(resume: Ack, opening: Promise<void>): Promise<void> {
    const { user, deviceId, sessionId, address } = this.session.login;
    await opening;
    const key = { connectionId: this.socket.id, user, deviceId, address, sessionId };
    const { delivery } = this.context;
    await delivery.open({ key, transport: this.transport, resume }, (connection) => {
      this.connection = connection;
      if (this.isGone) delivery.close(connection, 'left while connecting');
    });
  }

  /** Returns the permit when the transport closes, which may be later than the socket. */
  private givePlaceBack(): void {
    const { conn } = this.socket;
    if (conn.readyState === 'closed') this.permit?.leave();
    else conn.once('close', () => this.permit?.leave());
  }

  pause(): void {
    this.reader?.pause();
  }

  resume(): void {
    this.reader?.resume();
  }

  onHeartbeat(): void {
    this.context.heartbeats.note(this.socket.id);
  }

  /**
   * Called when the socket has closed. A client that leaves its namespace loses its transport, too, and opens another
   * one if it comes back.
   */
  onDisconnect(reason: string): void {
    this.isGone = true;
    this.context.onGone(this);
    this.givePlaceBack();
    this.socket.conn.close();
    this.context.metrics.ended(reason);
    this.session.leave();
    this.requests?.end();
    this.throttling?.leave();
    if (this.connection) this.context.delivery.close(this.connection, reason);
  }

  onUnsent(error: unknown): void {
    this.logger.error({ err: error }, 'batch not sent');
  }

  /** Ends the connection of a client for which something went wrong. */
  fail(error: unknown): void {
    this.logger.error({ err: error }, 'connection failed, hanging up');
    this.socket.conn.close();
  }

  onFrameTooLong(): void {
    const error = new ProtocolError('BODY_TOO_LARGE', `a frame is longer than ${this.context.maxFrameBytes} bytes`);
    this.context.refusalLog.line((extra) =>
      this.logger.info({ code: error.code, ...extra }, 'frame too long, closing'),
    );
    this.transport.close(error);
  }

  admit(bytes: number, isAck: boolean): number {
    return this.isGone ? Infinity : this.throttle.admit(bytes, isAck);
  }

  turnDown(id: number, retryAfterMs: number): void {
    // Infinity means that the connection was closed. The frame is not parsed, so the error names nothing of it.
    if (retryAfterMs === Infinity) return;
    this.context.metrics.errors.inc('RATE_LIMITED');
    this.transport.refuse(
      id,
      new ProtocolError('RATE_LIMITED', 'too many requests or bytes in too short a time', { retryAfterMs }),
    );
  }

  refuseUnread(id: number | undefined, why: string): void {
    this.answerRefused('unread', new ProtocolError('BAD_REQUEST', why), id);
  }

  onBehind(): void {
    if (!this.isGone) this.throttle.onBehind();
  }

  handleEvent(data: readonly unknown[], id: number | undefined, json: string | undefined): void {
    const event = String(data[0]);
    const weight = this.begin(event, json);
    this.answer(event, data, json).then(
      (result) => {
        this.end(event, weight);
        if (id !== undefined) this.throttling?.answered(this.transport.answer(id, result));
      },
      (error: unknown) => {
        this.end(event, weight);
        this.refuse(event, error, id);
      },
    );
  }

  private begin(event: string, json: string | undefined): number {
    this.waiting += 1;
    if (event !== 'ack') return this.throttle.begin(json?.length ?? 0);
    this.waitingAcks += 1;
    return 0;
  }

  private end(event: string, weight: number): void {
    this.waiting -= 1;
    if (event === 'ack') this.waitingAcks -= 1;
    else this.throttle.end(weight);
  }

  /**
   * This is not an async function, because most of what a server does passes through here: a promise is made only where
   * there is something to wait for.
   */
  private answer(event: string, data: readonly unknown[], json: string | undefined): Promise<object> {
    try {
      const request = this.check(event, data, json);
      if (!this.connection?.isReady) return this.answerWhenOpen(request);
      return this.run(request);
    } catch (error) {
      return Promise.reject(toProtocolError(error));
    }
  }

  private check(event: string, data: readonly unknown[], json: string | undefined): Request {
    if (!isRequest(event))
      throw new ProtocolError('UNKNOWN_EVENT', `there is no request ${JSON.stringify(cut(event, 50))}`);
    if (data.length > 2) throw new ProtocolError('BAD_REQUEST', 'a request has one argument and a callback');
    // An acknowledgement passes whatever waits, because without it the window stays full and nothing more is sent.
    if (event !== 'ack') this.assertRoom(json?.length ?? 0);
    return { event, payload: parseRequest(event, data[1]), json };
  }

  private assertRoom(bytes: number): void {
    // Otherwise a client that never pauses would keep the instance from ending. Another instance serves it.
    if (this.isLeaving) throw new ProtocolError('DRAINING', 'this instance is shutting down; connect again');
    this.throttle.assertRoom(bytes);
  }

  private async answerWhenOpen(request: Request): Promise<object> {
    await this.opened;
    return this.run(request);
  }

  private run({ event, payload, json }: Request): Promise<object> {
    // If the client has already disconnected, its watches would never be removed.
    if (!this.connection || this.isGone) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
    if (event === 'ack' && this.waitingAcks > MAX_WAITING_ACKS) {
      this.connection.acknowledge(payload as Ack);
      throw new ProtocolError(
        'OVERLOADED',
        'this acknowledgement counts, but too many wait to be stored to say when it is',
      );
    }
    this.requests ??= new RequestHandlers(this.context, this.session, this.transport, this.connection, this.throttle);
    return this.requests.run(event, payload, json);
  }

  /** Answers a request with an error. Nobody awaits this, so it must not throw. */
  private refuse(event: string, error: unknown, id: number | undefined): void {
    try {
      this.answerRefused(event, toProtocolError(error), id);
    } catch (failure) {
      this.fail(failure);
    }
  }

  private answerRefused(event: string, error: ProtocolError, id: number | undefined): void {
    this.context.metrics.errors.inc(error.errorName);
    if (error.errorName === 'INTERNAL')
      this.logger.error({ err: error.cause, event: cut(event, 50) }, 'request failed');
    else if (error.isOfToken) {
      this.throttle.hold(performance.now());
      this.context.refusalLog.line((extra) =>
        this.logger.info({ code: error.code, reason: error.message, ...extra }, 'token refused'),
      );
    } else this.logger.debug({ code: error.code, event: cut(event, 50) }, 'request refused');
    if (id !== undefined) this.transport.refuse(id, error);
  }
}

const FORGOTTEN = Object.freeze({});
const NO_ACKS = new Map<never, never>();

/**
 * Forgets the HTTP request, its URL and headers and the token, 2 KiB that Socket.IO would keep as long as the
 * connection. It also forgets the map of callbacks for sent events, because no event is sent with one.
 */
function forgetHandshake(socket: Socket): void {
  (socket.conn as { request: unknown }).request = null;
  (socket as { handshake: unknown }).handshake = FORGOTTEN;
  innerSocketOf(socket).acks = NO_ACKS;
}
