import { Loads, RequestLimits, type LoadShares, type RequestRates } from '#limits';
import type { Counts } from '#observability';
import { ProtocolError } from '#protocol';

export interface SocketThrottlesOptions {
  readonly perConnection: RequestRates;
  readonly perUser: RequestRates;
  readonly maxWaitingBytes: LoadShares;
  readonly limited: Counts<string>;
  /** Called when a client was closed because it went on sending beyond its limits. */
  readonly onFlood: (address: string) => void;
}

/** The throttle of one socket as {@link SocketThrottles} sees it. */
export interface ThrottledSocket {
  /** performance.now() when its network last took something. */
  readonly drainedAtMs: number;
  /** The bytes that wait for its network, as weighed last. */
  readonly unsentBytes: number;
  hasRoom(bytes: number): boolean;
  /** @returns whether there will be something to look at again */
  look(nowMs: number): boolean;
  cutOff(why: string): void;
}

/** A request with a long answer that waits for room. */
interface Waiter {
  readonly throttle: ThrottledSocket;
  readonly bytes: number;
  readonly endsAtMs: number;
  readonly resolve: () => void;
  readonly reject: (error: ProtocolError) => void;
}

/** If a client's network has taken nothing for this long, what waits for it does not drain. */
const STUCK_MS = 2_000;

/**
 * The parts that all sockets of an instance share: the limits of their users, the bytes that wait, and one regular look
 * at the sockets in trouble.
 */
export class SocketThrottles {
  readonly requests: RequestLimits;
  readonly loads: Loads;
  readonly limited: Counts<string>;
  /** The sockets whose network has not taken everything, or that are not read from. */
  private readonly watched = new Set<ThrottledSocket>();
  private readonly waiters = new Set<Waiter>();

  constructor(readonly options: SocketThrottlesOptions) {
    this.requests = new RequestLimits(options.perConnection, options.perUser);
    this.loads = new Loads(options.maxWaitingBytes);
    this.limited = options.limited;
  }

  watch(throttle: ThrottledSocket): void {
    this.watched.add(throttle);
  }

  /** To be called when the socket of a throttle has closed. Its waiting answers are refused. */
  leave(throttle: ThrottledSocket): void {
    this.watched.delete(throttle);
    for (const waiter of this.waiters) {
      if (waiter.throttle !== throttle) continue;
      this.waiters.delete(waiter);
      waiter.reject(new ProtocolError('UNAVAILABLE', 'the connection is closing'));
    }
  }

  /** Looks at the sockets in trouble and at answers that wait for room. The owner calls this several times a second. */
  look(nowMs: number): void {
    for (const throttle of this.watched) if (!throttle.look(nowMs)) this.watched.delete(throttle);
    if (this.loads.instance.isOver) this.cutOffHeaviest(nowMs);
    for (const waiter of this.waiters) this.lookAt(waiter, nowMs);
  }

  /** Forgets the users that have been idle. The owner calls this now and then. */
  sweep(nowMs: number): void {
    this.requests.sweep(nowMs);
    this.loads.sweep();
  }

  /**
   * Waits for room for an answer of so many bytes, without taking it. Undefined means that there is room now.
   * @throws ProtocolError OVERLOADED, UNAVAILABLE
   */
  room(throttle: ThrottledSocket, bytes: number, endsAtMs: number): Promise<void> | undefined {
    if (throttle.hasRoom(bytes)) return undefined;
    return new Promise((resolve, reject) => this.waiters.add({ throttle, bytes, endsAtMs, resolve, reject }));
  }

  private lookAt(waiter: Waiter, nowMs: number): void {
    if (waiter.throttle.hasRoom(waiter.bytes)) {
      this.waiters.delete(waiter);
      waiter.resolve();
    } else if (nowMs >= waiter.endsAtMs) {
      this.waiters.delete(waiter);
      this.limited.inc('waiting-bytes');
      waiter.reject(new ProtocolError('OVERLOADED', 'earlier answers wait to be read'));
    }
  }

  private cutOffHeaviest(nowMs: number): void {
    let heaviest: ThrottledSocket | undefined;
    for (const throttle of this.watched) {
      if (nowMs - throttle.drainedAtMs < STUCK_MS) continue;
      if (!heaviest || throttle.unsentBytes > heaviest.unsentBytes) heaviest = throttle;
    }
    if (heaviest && heaviest.unsentBytes > 0)
      heaviest.cutOff('too much waits on this instance, and most of it for this client to read it');
  }
}
