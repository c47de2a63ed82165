import type { Socket } from 'socket.io';
import type { Connection, Delivery } from '#delivery';
import { cut, type Logger } from '#observability';
import { Fault, parse, REQUESTS, type RequestName, type WireError } from '#protocol';
import { toFault } from '../to-fault.js';
import type { Guest } from './handshake.js';
import { Requests } from './requests.js';
import { SocketOutlet } from './socket-outlet.js';

type Reply = (answer: { ok: true } | { ok: false; error: WireError }) => void;

/** Requests of one socket that may wait for an answer. */
const MAX_WAITING = 2_000;

/** One socket from its registration to its end. Every event it sends is answered, with a result or a numbered error. */
export class SocketClient {
  readonly outlet: SocketOutlet;
  /** performance.now() when it is to be gone: the instance drains. */
  leavesAtMs = Infinity;
  /** Its time to leave has come: it takes no new requests. */
  private isLeaving = false;
  private isHangingUp = false;
  private connection: Connection | undefined;
  private opened: Promise<void> | undefined;
  private requests: Requests | undefined;
  private isGone = false;
  private waiting = 0;
  private waitingAcks = 0;

  constructor(
    private readonly socket: Socket,
    private readonly guest: Guest,
    private readonly delivery: Delivery,
    private readonly logger: Logger,
  ) {
    this.outlet = new SocketOutlet(socket, (error) => logger.error({ err: error }, 'packet not sent'));
    socket.onAny((event: string, ...args: unknown[]) => void this.handle(event, args));
    socket.on('disconnect', (reason) => this.leave(reason));
  }

  /** Requests under way; acknowledgements aside, which count at once and are stored with the end of the connection. */
  private get pending(): number {
    return this.waiting - this.waitingAcks;
  }

  /** Closes the socket when its time has come and its requests are answered. */
  leaveIfDue(nowMs: number): void {
    if (nowMs < this.leavesAtMs || this.isHangingUp) return;
    this.isLeaving = true;
    if (this.pending > 0) return;
    this.isHangingUp = true;
    void this.delivery.saveAcknowledged().finally(() => this.outlet.hangUp());
  }

  /** Registers the connection; if that fails the client is told and may come back. */
  async enter(): Promise<void> {
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
    const { identity, deviceId, resume, address } = this.guest;
    const key = { connectionId: this.socket.id, user: identity.user, deviceId };
    await this.delivery.open({ key, outlet: this.outlet, address, resume }, (connection) => {
      this.connection = connection;
      this.requests = new Requests(this.delivery, connection, identity);
      if (this.isGone) this.delivery.close(connection, 'left while connecting');
    });
  }

  private leave(reason: string): void {
    this.isGone = true;
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
    if (this.isLeaving && event !== 'ack') throw new Fault('DRAINING', 'this instance is shutting down; connect again');
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
