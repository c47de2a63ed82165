import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { Settings } from '#config';
import {
  HalfOpenTransports,
  networkOf,
  rateLimited,
  TokenBuckets,
  type HalfOpenTransport,
  type Suspects,
} from '#limits';
import type { Counts } from '#observability';
import { ProtocolError } from '#protocol';
import type { EngineSocket } from '../fast-path/engine-internals.js';
import { guardFirstFrames } from '../fast-path/first-frames.js';
import { TurnQueue } from '../fast-path/turn-queue.js';

type TransportLimit = 'maxHalfOpen' | 'connectTimeoutMs' | 'handshakesPerS' | 'refusedTokensPerS';

export interface NewTransportsOptions extends Pick<Settings['sockets'], TransportLimit> {
  readonly limited: Counts<string>;
  readonly suspects: Pick<Suspects, 'note'>;
}

interface Entry {
  readonly transport: HalfOpenTransport;
  readonly forget: () => void;
  admitAllFrames?: () => void;
}

/** The bucket of an address holds as much as may come in this many seconds. */
const BURST_S = 10;
/** Upgrades and first frames that are looked at in one turn of the event loop: each takes a millisecond or so. */
const PER_TURN = 2;
/** A transport is closed when so many CONNECTs on it were refused, to whatever namespace. */
const MAX_REFUSALS = 3;
/** A client for which there is no room is to come back soon, because room is made within seconds. */
const SOON_MS = 1_000;

/**
 * The transports from their upgrade until their client is let in. Until then only its address tells one client from the
 * others, and a proxy may make all of them one address. So the strict limits hold for clients that fail, and the limits
 * of an address as a whole are far above what honest clients do.
 */
export class NewTransports {
  private readonly halfOpen: HalfOpenTransports;
  private readonly handshakes: TokenBuckets;
  private readonly refusedTokens: TokenBuckets;
  private readonly entries = new Map<TcpSocket, Entry>();
  /** Takes the requests of newcomers a few at a time, however many come at once. */
  readonly queue = new TurnQueue(PER_TURN);
  /** The refused CONNECTs of each transport, also after its client was let in: it may ask for other namespaces. */
  private readonly refusals = new WeakMap<object, number>();

  constructor(private readonly options: NewTransportsOptions) {
    const { maxHalfOpen: max, connectTimeoutMs: timeoutMs, handshakesPerS, refusedTokensPerS } = options;
    this.halfOpen = new HalfOpenTransports({
      max,
      timeoutMs,
      onEnded: ({ address }) => this.note(address, 'half-open'),
    });
    this.handshakes = new TokenBuckets({ perS: handshakesPerS, burst: handshakesPerS * BURST_S });
    this.refusedTokens = new TokenBuckets({ perS: refusedTokensPerS, burst: refusedTokensPerS * BURST_S });
  }

  /** Decides whether a client gets a transport. @returns why it gets none; undefined means that it gets one */
  open({ socket }: IncomingMessage, address: string, nowMs: number): ProtocolError | undefined {
    const network = networkOf(address);
    const retryAfterMs = this.handshakes.take(network, 1, nowMs);
    if (retryAfterMs > 0) {
      this.note(address, 'flood');
      this.options.limited.inc('handshakes');
      return rateLimited('too many connects of this address', retryAfterMs);
    }
    const transport = this.halfOpen.open(network, nowMs, () => socket.destroy());
    if (!transport) {
      this.options.limited.inc('half-open');
      return new ProtocolError('OVERLOADED', 'too many connections are opening', { retryAfterMs: SOON_MS });
    }
    const forget = (): void => this.close(socket);
    this.entries.set(socket, { transport, forget });
    socket.once('close', forget);
    return undefined;
  }

  /** Guards the first frames of a transport, once Engine.IO has made a connection of it. */
  watch(conn: EngineSocket, socket: TcpSocket): void {
    const entry = this.entries.get(socket);
    if (entry) entry.admitAllFrames = guardFirstFrames(conn, this.queue);
  }

  /** Notes that the client of a transport has shown a good token (true), or was refused in the end (false). */
  setHasGoodToken(socket: TcpSocket, hasGoodToken: boolean): void {
    const entry = this.entries.get(socket);
    if (entry) entry.transport.hasGoodToken = hasGoodToken;
  }

  /** Ends the guard of a transport, because its client is let in. */
  admit(socket: TcpSocket): void {
    const entry = this.entries.get(socket);
    if (!entry) return;
    entry.admitAllFrames?.();
    socket.off('close', entry.forget);
    this.close(socket);
  }

  /**
   * Counts a wrong token of an address.
   * @returns 0 if the client may be told so, otherwise the milliseconds until it may
   */
  refuseToken(address: string, nowMs: number): number {
    this.options.suspects.note(address, 'refused-token');
    const retryAfterMs = this.refusedTokens.take(networkOf(address), 1, nowMs);
    if (retryAfterMs > 0) this.options.limited.inc('refused-tokens');
    return retryAfterMs;
  }

  /** Counts a refused CONNECT, which Socket.IO answers on the next tick. With one too many the transport is closed. */
  refuseConnect(conn: EngineSocket): void {
    const refusals = (this.refusals.get(conn) ?? 0) + 1;
    this.refusals.set(conn, refusals);
    // Socket.IO answers on the next tick as well; this runs after that.
    if (refusals >= MAX_REFUSALS) process.nextTick(() => conn.close());
  }

  /** Ends the transports whose clients showed no good token in time. The owner calls this several times a second. */
  look(nowMs: number): void {
    this.halfOpen.sweep(nowMs);
  }

  /** Forgets the addresses that have been quiet for a while. The owner calls this now and then. */
  sweep(nowMs: number): void {
    this.handshakes.sweep(nowMs);
    this.refusedTokens.sweep(nowMs);
  }

  private close(socket: TcpSocket): void {
    const entry = this.entries.get(socket);
    if (!entry) return;
    this.entries.delete(socket);
    this.halfOpen.forget(entry.transport);
  }

  private note(address: string, reason: 'half-open' | 'flood'): void {
    if (reason === 'half-open') this.options.limited.inc(reason);
    this.options.suspects.note(address, reason);
  }
}
