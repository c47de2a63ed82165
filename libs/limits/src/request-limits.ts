import { Bucket, type Rate } from './bucket.js';
import { Buckets } from './buckets.js';

/** What may come in a second; 0: no limit. */
export interface RequestRates {
  readonly requestsPerS: number;
  readonly bytesPerS: number;
  /** Acknowledgements have a limit of their own, since what holds them up holds up the delivery. */
  readonly acksPerS: number;
}

/** A bucket holds what may come in so many seconds. */
const BURST_S = 3;

/** So long an acknowledgement counts as one; a longer one as several. */
const ACK_BYTES = 256;

/** So many bytes of an answer count as one of a request. */
const ANSWER_BYTES = 4;

/**
 * What may be refused of a connection at once, and in each second, before it is a flood. It is not read from for a moment
 * after each refusal, so that TCP slows a client down that has sent too much at once, and only one that goes on is closed.
 */
const PATIENCE = { burst: 40, perS: 1 };

/** How fast connections, and all connections of a user together, may send. */
export class RequestLimits {
  private readonly requests: Buckets;
  private readonly bytes: Buckets;
  private readonly acks: Buckets;

  constructor(
    readonly perConnection: RequestRates,
    perUser: RequestRates,
  ) {
    this.requests = new Buckets(rateOf(perUser.requestsPerS));
    this.bytes = new Buckets(rateOf(perUser.bytesPerS));
    this.acks = new Buckets(rateOf(perUser.acksPerS));
  }

  /** @returns 0, or after how many milliseconds the user may send one; so below */
  takeRequest(user: string, nowMs: number): number {
    return this.requests.take(user, 1, nowMs);
  }

  takeBytes(user: string, bytes: number, nowMs: number): number {
    return this.bytes.take(user, bytes, nowMs);
  }

  chargeBytes(user: string, bytes: number, nowMs: number): void {
    this.bytes.charge(user, bytes, nowMs);
  }

  takeAck(user: string, cost: number, nowMs: number): number {
    return this.acks.take(user, cost, nowMs);
  }

  /** Forgets the users that have sent nothing for a while. Its owner calls this now and then. */
  sweep(nowMs: number): void {
    for (const buckets of [this.requests, this.bytes, this.acks]) buckets.sweep(nowMs);
  }
}

/** How fast one connection sends, within what its user may. */
export class RequestLimiter {
  private readonly requests: Bucket;
  private readonly bytes: Bucket;
  private readonly acks: Bucket;
  /** How much is refused before it is a flood. Made for those who are refused. */
  private patience: Bucket | undefined;

  constructor(
    private readonly limits: RequestLimits,
    private readonly user: string,
    nowMs: number,
  ) {
    const { requestsPerS, bytesPerS, acksPerS } = limits.perConnection;
    this.requests = new Bucket(rateOf(requestsPerS), nowMs);
    this.bytes = new Bucket(rateOf(bytesPerS), nowMs);
    this.acks = new Bucket(rateOf(acksPerS), nowMs);
  }

  /** @returns 0 if there may be one more, otherwise after how many milliseconds there might; so below */
  takeRequest(nowMs: number): number {
    return this.requests.take(1, nowMs) || this.limits.takeRequest(this.user, nowMs);
  }

  takeBytes(bytes: number, nowMs: number): number {
    return this.bytes.take(bytes, nowMs) || this.limits.takeBytes(this.user, bytes, nowMs);
  }

  /** An answer of so many bytes was made: what it took counts for the requests to come. */
  chargeAnswer(bytes: number, nowMs: number): void {
    const cost = bytes / ANSWER_BYTES;
    this.bytes.charge(cost, nowMs);
    this.limits.chargeBytes(this.user, cost, nowMs);
  }

  /** @param bytes of the acknowledgement: a long one counts as several */
  takeAck(bytes: number, nowMs: number): number {
    const cost = Math.ceil(bytes / ACK_BYTES);
    return this.acks.take(cost, nowMs) || this.limits.takeAck(this.user, cost, nowMs);
  }

  /** Counts what was refused. @returns whether the connection has gone on for too long */
  isFlood(nowMs: number): boolean {
    const { requestsPerS } = this.limits.perConnection;
    const burst = Math.min(PATIENCE.burst, requestsPerS || PATIENCE.burst);
    this.patience ??= new Bucket({ perS: PATIENCE.perS, burst }, nowMs);
    return this.patience.take(1, nowMs) > 0;
  }
}

/** Shared by all who ask for the same: thousands of connections have the same rates. */
const rates = new Map<number, Rate>();

function rateOf(perS: number): Rate {
  let rate = rates.get(perS);
  if (!rate) rates.set(perS, (rate = { perS, burst: perS * BURST_S }));
  return rate;
}
