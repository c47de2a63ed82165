import type { Socket } from 'socket.io';
import type { Heartbeats, Presence } from '#connection-manager';
import type { Connection, Delivery } from '#delivery';
import { cut, type Logger } from '#observability';
import { Fault, parse, REQUESTS, type RequestName, type WireError } from '#protocol';
import { toFault } from '../to-fault.js';
import type { Guest } from './handshake.js';
import { PresenceWatcher } from './presence-watcher.js';
import { Requests } from './requests.js';
import { SocketOutlet } from './socket-outlet.js';
import { SocketSession, type SocketSessionOptions } from './socket-session.js';

type Reply = (answer: { ok: true } | { ok: false; error: WireError }) => void;

/** Requests of one socket that may wait for an answer. */
const MAX_WAITING = 2_000;

export interface SocketClientContext extends SocketSessionOptions {
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly heartbeats: Heartbeats;
}

/** A guest whose session is being opened. */
export interface Visitor extends Guest {
  readonly opening: Promise<void>;
}

/** One socket from its registration to its end. Every event it sends is answered, with a result or a numbered error. */
export class SocketClient {
  readonly outlet: SocketOutlet;
  /** It takes no new requests. */
  isDraining = false;
  private readonly delivery: Delivery;
  private readonly session: SocketSession;
  private readonly watcher: PresenceWatcher;
  private connection: Connection | undefined;
  private opened: Promise<void> | undefined;
  private requests: Requests | undefined;
  private isGone = false;
  private waiting = 0;
  private waitingAcks = 0;

  constructor(
    private readonly socket: Socket,
    private readonly visitor: Visitor,
    private readonly context: SocketClientContext,
    private readonly logger: Logger,
  ) {
    this.delivery = context.delivery;
    this.outlet = new SocketOutlet(socket, (error) => logger.error({ err: error }, 'packet not sent'));
    this.session = new SocketSession(visitor, this.outlet, context);
    this.watcher = new PresenceWatcher(this.session, this.outlet);
    socket.conn.on('heartbeat', () => context.heartbeats.note(socket.id));
    socket.onAny((event: string, ...args: unknown[]) => void this.handle(event, args));
    socket.on('disconnect', (reason) => this.leave(reason));
  }

  /** Requests under way; acknowledgements aside, which count at once and are stored with the end of the connection. */
  get pending(): number {
    return this.waiting - this.waitingAcks;
  }

  /** Registers the connection; if that fails the client is told and may come back. */
  async enter(): Promise<void> {
    this.session.begin();
    this.opened = this.open();
    try {
      await this.opened;
    } catch (error) {
      const fault = toFault(error);
      this.logger.warn({ err: error }, 'connection not opened');
      this.outlet.close(fault);
    }
  }

  private async open(): Promise<void> {
    const { login, resume, opening } = this.visitor;
    const { user, deviceId, sessionId, address } = login;
    await opening;
    const key = { connectionId: this.socket.id, user, deviceId };
    await this.delivery.open({ key, outlet: this.outlet, address, sessionId, resume }, (connection) => {
      this.connection = connection;
      const { context, session, watcher } = this;
      this.requests = new Requests({ ...context, session, watcher }, connection);
      if (this.isGone) this.delivery.close(connection, 'left while connecting');
    });
  }

  private leave(reason: string): void {
    this.isGone = true;
    this.session.leave();
    this.context.presence.leave(this.watcher);
    if (this.connection) this.delivery.close(this.connection, reason);
  }

  private async handle(event: string, args: unknown[]): Promise<void> {
    const last = args.at(-1);
    const reply = typeof last === 'function' ? (args.pop() as Reply) : undefined;
    this.count(event, 1);
    try {
      const result = await this.answer(event, args);
      reply?.({ ok: true, ...result });
    } catch (error) {
      this.refuse(event, toFault(error), reply);
    } finally {
      this.count(event, -1);
    }
  }

  private count(event: string, change: 1 | -1): void {
    this.waiting += change;
    if (event === 'ack') this.waitingAcks += change;
  }

  private async answer(event: string, args: readonly unknown[]): Promise<object> {
    if (!isRequest(event)) throw new Fault('UNKNOWN_EVENT', `there is no request ${JSON.stringify(cut(event, 50))}`);
    if (args.length > 1) throw new Fault('BAD_REQUEST', 'a request has one argument and a callback');
    // A client that never pauses would else keep the instance from ending; elsewhere it is served.
    if (this.isDraining && event !== 'ack')
      throw new Fault('DRAINING', 'this instance is shutting down; connect again');
    if (this.waiting > MAX_WAITING) throw new Fault('OVERLOADED', 'too many requests of this connection are waiting');
    const payload = parse(REQUESTS[event].payload, args[0]);
    if (!this.connection?.isReady) await this.opened;
    if (!this.requests) throw new Fault('UNAVAILABLE', 'the connection is closing');
    return this.requests.run(event, payload);
  }

  private refuse(event: string, fault: Fault, reply: Reply | undefined): void {
    if (fault.fault === 'INTERNAL') this.logger.error({ err: fault.cause, event: cut(event, 50) }, 'request failed');
    else this.logger.debug({ code: fault.code, event: cut(event, 50) }, 'request refused');
    reply?.({ ok: false, error: fault.toWire() });
  }
}

function isRequest(event: string): event is RequestName {
  return Object.hasOwn(REQUESTS, event);
}
