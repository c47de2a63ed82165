import type { Connection, Delivery } from '#delivery';
import { toProtocolError } from '#http';
import { rateLimited, type FairQueue } from '#limits';
import { cut, type Logger, type ThrottledLog } from '#observability';
import { isRequest, parseRequest, ProtocolError, type Ack, type RequestName, type RequestPayload } from '#protocol';
import type { GatewayMetrics } from '../../gateway-metrics.js';
import type { ClientSession } from '../client-session.js';
import type { SocketTransport } from '../fast-path/socket-transport.js';
import type { SocketThrottle } from '../throttle/socket-throttle.js';
import type { RequestHandlers } from './request-handlers.js';
import { RequestRunner } from './request-runner.js';
import { Requester } from './requester.js';

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

export interface RequestIntakeContext {
  readonly handlers: RequestHandlers;
  readonly delivery: Delivery;
  readonly fairQueue: FairQueue;
  readonly metrics: GatewayMetrics;
  /** The log for lines that a client can cause without end. */
  readonly refusalLog: ThrottledLog;
}

/** A socket as the intake of its requests sees it. */
export interface RequestSource {
  readonly session: ClientSession;
  readonly transport: SocketTransport;
  readonly throttle: SocketThrottle;
  /** Undefined until the connection is opened, and for ever if that fails. */
  readonly connection: Connection | undefined;
  /** The opening of the connection. Undefined once the connection is open. */
  readonly opened: Promise<void> | undefined;
  /** True once the client's time to leave has come; new requests are then refused. */
  readonly isLeaving: boolean;
  readonly isGone: boolean;
  readonly logger: Logger;
  fail(error: unknown): void;
}

/** Takes in the events of one socket. Each is counted while it is under way, and answered with a result or an error. */
export class RequestIntake {
  private runner: RequestRunner | undefined;
  private waiting = 0;
  private waitingAcks = 0;

  constructor(
    private readonly source: RequestSource,
    private readonly context: RequestIntakeContext,
  ) {}

  /** How many requests are under way. Acknowledgements are left out: they count at once and are stored with the end. */
  get pending(): number {
    return this.waiting - this.waitingAcks;
  }

  take(data: readonly unknown[], id: number | undefined, json: string | undefined): void {
    const event = String(data[0]);
    const weight = this.begin(event, json);
    this.answer(event, data, json).then(
      (result) => {
        this.end(event, weight);
        if (id !== undefined) this.source.throttle.answered(this.source.transport.answer(id, result));
      },
      (error: unknown) => {
        this.end(event, weight);
        this.refuseSafely(event, error, id);
      },
    );
  }

  /** Refuses a frame that was not parsed, so the error names nothing of it. */
  turnDown(id: number, retryAfterMs: number): void {
    this.context.metrics.errors.inc('RATE_LIMITED');
    this.source.transport.refuse(id, rateLimited('too many requests or bytes in too short a time', retryAfterMs));
  }

  /** Answers an event with an error, and notes it. */
  refuse(event: string, error: ProtocolError, id: number | undefined): void {
    const { logger, throttle, transport } = this.source;
    this.context.metrics.errors.inc(error.errorName);
    if (error.errorName === 'INTERNAL') logger.error({ err: error.cause, event: cut(event, 50) }, 'request failed');
    else if (error.isOfToken) {
      throttle.hold(performance.now());
      this.context.refusalLog.line((extra) =>
        logger.info({ code: error.code, reason: error.message, ...extra }, 'token refused'),
      );
    } else logger.debug({ code: error.code, event: cut(event, 50) }, 'request refused');
    if (id !== undefined) transport.refuse(id, error);
  }

  /** To be called when the socket has closed. */
  leave(): void {
    this.runner?.requester.end();
  }

  private begin(event: string, json: string | undefined): number {
    this.waiting += 1;
    if (event !== 'ack') return this.source.throttle.begin(json?.length ?? 0);
    this.waitingAcks += 1;
    return 0;
  }

  private end(event: string, weight: number): void {
    this.waiting -= 1;
    if (event === 'ack') this.waitingAcks -= 1;
    else this.source.throttle.end(weight);
  }

  /**
   * This is not an async function, because most of what a server does passes through here: a promise is made only where
   * there is something to wait for.
   */
  private answer(event: string, data: readonly unknown[], json: string | undefined): Promise<object> {
    try {
      const request = this.check(event, data, json);
      if (this.source.connection?.isReady !== true) return this.answerWhenOpen(request);
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
    if (this.source.isLeaving) throw new ProtocolError('DRAINING', 'this instance is shutting down; connect again');
    this.source.throttle.assertRoom(bytes);
  }

  private async answerWhenOpen(request: Request): Promise<object> {
    await this.source.opened;
    return this.run(request);
  }

  private run({ event, payload, json }: Request): Promise<object> {
    const { connection, isGone } = this.source;
    // If the client has already disconnected, its watches would never be removed.
    if (!connection || isGone) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
    if (event === 'ack' && this.waitingAcks > MAX_WAITING_ACKS) {
      connection.acknowledge(payload as Ack);
      throw new ProtocolError(
        'OVERLOADED',
        'this acknowledgement counts, but too many wait to be stored to say when it is',
      );
    }
    this.runner ??= this.makeRunner(connection);
    return this.runner.run(event, payload, json);
  }

  private makeRunner(connection: Connection): RequestRunner {
    const { session, transport, throttle } = this.source;
    const { delivery, fairQueue, handlers } = this.context;
    const requester = new Requester(session, transport, connection, delivery.memberRights, throttle, fairQueue);
    return new RequestRunner(handlers, requester);
  }

  /** Answers a request with an error. Nobody awaits this, so it must not throw. */
  private refuseSafely(event: string, error: unknown, id: number | undefined): void {
    try {
      this.refuse(event, toProtocolError(error), id);
    } catch (failure) {
      this.source.fail(failure);
    }
  }
}
