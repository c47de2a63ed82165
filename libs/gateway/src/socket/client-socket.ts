import type { Socket } from 'socket.io';
import type { Heartbeats } from '#connection-manager';
import type { Connection } from '#delivery';
import { toProtocolError } from '#http';
import type { Logger } from '#observability';
import { ProtocolError, type Ack } from '#protocol';
import type { AdmissionCandidate, Permit } from './admission/admission.js';
import type { HandshakeResult } from './admission/handshake.js';
import { ClientSession, type ClientSessionOptions } from './client-session.js';
import { receiveEvents, type EventHandler } from './fast-path/fast-receiver.js';
import { forgetHandshake } from './fast-path/forget-handshake.js';
import type { FrameReader } from './fast-path/frame-reader.js';
import { SocketTransport, type SocketTransportOwner } from './fast-path/socket-transport.js';
import { RequestIntake, type RequestIntakeContext, type RequestSource } from './requests/request-intake.js';
import { SocketThrottle, type Throttled } from './throttle/socket-throttle.js';
import type { SocketThrottles } from './throttle/socket-throttles.js';

export interface ClientSocketContext extends ClientSessionOptions, RequestIntakeContext {
  readonly heartbeats: Heartbeats;
  readonly logger: Logger;
  readonly maxFrameBytes: number;
  readonly throttles: SocketThrottles;
  /** Called when the socket of the client has closed. */
  readonly onGone: (client: ClientSocket) => void;
}

/**
 * One socket from its handshake to its end. Every event it sends is answered, with a result or a numbered error. Parts
 * that an idle connection does not need are made only when they are needed, and nothing is kept twice, because there
 * are thousands of connections.
 */
export class ClientSocket implements AdmissionCandidate, EventHandler, RequestSource, SocketTransportOwner, Throttled {
  readonly transport: SocketTransport;
  /** The permit of the connection, taken before anything is waited for. */
  permit: Permit | undefined;
  /** The time, by performance.now(), by which the client is to be gone because the instance drains. */
  leavesAtMs = Infinity;
  isLeaving = false;
  private isHangingUp = false;
  readonly session: ClientSession;
  connection: Connection | undefined;
  /** The opening of the connection. Undefined before the client is let in, and again once the connection is open. */
  opened: Promise<void> | undefined;
  private requests: RequestIntake | undefined;
  /** Undefined before it is let in. */
  private reader: FrameReader | undefined;
  private throttling: SocketThrottle | undefined;
  private isIn = false;
  isGone = false;

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

  get throttle(): SocketThrottle {
    return (this.throttling ??= new SocketThrottle(this, this.context.throttles));
  }

  private get intake(): RequestIntake {
    return (this.requests ??= new RequestIntake(this, this.context));
  }

  /** Made each time it is needed, which for most connections is never. Keeping one for each would take 500 bytes. */
  get logger(): Logger {
    return this.context.logger.child({ connectionId: this.socket.id, user: this.user });
  }

  /** Closes the socket when its time to leave has come and its requests are answered. */
  leaveIfDue(nowMs: number): void {
    if (nowMs < this.leavesAtMs || this.isHangingUp) return;
    this.isLeaving = true;
    if (this.requests && this.requests.pending > 0) return;
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
    this.requests?.leave();
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
    // Infinity means that the connection was closed.
    if (retryAfterMs !== Infinity) this.intake.turnDown(id, retryAfterMs);
  }

  refuseUnread(id: number | undefined, why: string): void {
    this.intake.refuse('unread', new ProtocolError('BAD_REQUEST', why), id);
  }

  onBehind(): void {
    if (!this.isGone) this.throttle.onBehind();
  }

  handleEvent(data: readonly unknown[], id: number | undefined, json: string | undefined): void {
    this.intake.take(data, id, json);
  }
}
