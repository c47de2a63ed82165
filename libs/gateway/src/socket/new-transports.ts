import type { IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { Buckets, HalfOpenTransports, networkOf, type HalfOpenTransport, type Suspicions } from '#limits';
import type { Counts } from '#observability';
import { Fault } from '#protocol';
import type { EngineSocket } from './engine-internals.js';
import { guardFirstFrames } from './first-frames.js';

export interface NewTransportsOptions {
  readonly maxHalfOpen: number;
  readonly connectTimeoutMs: number;
  readonly handshakesPerS: number;
  readonly refusedTokensPerS: number;
  readonly limited: Counts<string>;
  readonly suspicions: Suspicions | undefined;
}

interface Entry {
  readonly transport: HalfOpenTransport;
  readonly forget: () => void;
  admitAllFrames?: () => void;
}

/** A bucket of an address holds what may come in so many seconds. */
const BURST_S = 10;
/** CONNECTs and namespaces that are refused to a transport before it is closed. */
const MAX_REFUSALS = 3;

/**
 * The transports from their upgrade until a client is let in on them. Until then an address is all there is to tell one
 * client from the others, and a proxy may make all of them one address: so what is strict here holds for those who fail,
 * and what holds for an address as a whole is far above what honest clients do.
 */
export class NewTransports {
  private readonly halfOpen: HalfOpenTransports;
  private readonly handshakes: Buckets;
  private readonly refusedTokens: Buckets;
  private readonly entries = new Map<TcpSocket, Entry>();
  /** Also of those who were let in: they may ask for other namespaces. */
  private readonly refusals = new WeakMap<object, number>();

  constructor(private readonly options: NewTransportsOptions) {
    const { maxHalfOpen: max, connectTimeoutMs: timeoutMs, handshakesPerS, refusedTokensPerS } = options;
    this.halfOpen = new HalfOpenTransports({
      max,
      timeoutMs,
      onEnded: ({ address }) => this.note(address, 'half-open'),
    });
    this.handshakes = new Buckets({ perS: handshakesPerS, burst: handshakesPerS * BURST_S });
    this.refusedTokens = new Buckets({ perS: refusedTokensPerS, burst: refusedTokensPerS * BURST_S });
  }

  /** A client asks for a transport. @returns why it does not get one */
  open({ socket }: IncomingMessage, address: string, nowMs: number): Fault | undefined {
    const network = networkOf(address);
    const retryAfterMs = this.handshakes.take(network, 1, nowMs);
    if (retryAfterMs > 0) {
      this.note(address, 'flood');
      return this.refusal('RATE_LIMITED', 'handshakes', 'too many connects of this address', retryAfterMs);
    }
    const transport = this.halfOpen.open(network, nowMs, () => socket.destroy());
    if (!transport) return this.refusal('OVERLOADED', 'half-open', 'too many connections are opening');
    const forget = (): void => this.close(socket);
    this.entries.set(socket, { transport, forget });
    socket.once('close', forget);
    return undefined;
  }

  /** Engine.IO has made a connection of it. */
  watch(conn: EngineSocket, socket: TcpSocket): void {
    const entry = this.entries.get(socket);
    if (entry) entry.admitAllFrames = guardFirstFrames(conn);
  }

  /** Its client has shown a good token, or was refused in the end. */
  setGuest(socket: TcpSocket, isGuest: boolean): void {
    const entry = this.entries.get(socket);
    if (entry) entry.transport.isGuest = isGuest;
  }

  /** Its client is let in. */
  admit(socket: TcpSocket): void {
    const entry = this.entries.get(socket);
    if (!entry) return;
    entry.admitAllFrames?.();
    socket.off('close', entry.forget);
    this.close(socket);
  }

  /** A token of an address is no good. @returns after how many milliseconds it may be told so again; 0: at once */
  refuseToken(address: string, nowMs: number): number {
    this.options.suspicions?.note(address, 'refused-token');
    const retryAfterMs = this.refusedTokens.take(networkOf(address), 1, nowMs);
    if (retryAfterMs > 0) this.options.limited.inc('refused-tokens');
    return retryAfterMs;
  }

  /** A CONNECT was refused, and is answered by the next turn; with one too many the transport ends. */
  refuseConnect(conn: EngineSocket): void {
    const refusals = (this.refusals.get(conn) ?? 0) + 1;
    this.refusals.set(conn, refusals);
    // Behind Socket.IO's own, in which it answers.
    if (refusals >= MAX_REFUSALS) process.nextTick(() => conn.close());
  }

  /** Ends what has come to its time. Called some times a second. */
  look(nowMs: number): void {
    this.halfOpen.sweep(nowMs);
  }

  /** Called now and then. */
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

  private refusal(fault: 'RATE_LIMITED' | 'OVERLOADED', limit: string, message: string, retryAfterMs = 1_000): Fault {
    this.options.limited.inc(limit);
    return new Fault(fault, message, { retryAfterMs });
  }

  private note(address: string, reason: 'half-open' | 'flood'): void {
    if (reason === 'half-open') this.options.limited.inc(reason);
    this.options.suspicions?.note(address, reason);
  }
}
