import { TokenBucket, type Rate } from './token-bucket.js';
import { TokenBuckets } from './token-buckets.js';

/** How much may come per second; 0 means no limit. */
export interface RequestRates {
  readonly requestsPerS: number;
  readonly bytesPerS: number;
  /** Acknowledgements have a limit of their own, because holding them up would hold up the delivery. */
  readonly acksPerS: number;
}

/** A bucket holds as much as may come in this many seconds. */
const BURST_S = 3;

/** An acknowledgement up to this length counts as one, a longer one as several. */
const ACK_BYTES = 256;

/** This many bytes of an answer count as one byte of a request. */
const ANSWER_BYTES = 4;

/**
 * The refusals that a connection may have at once, and in each second, before it is a flood. It is not read from for a
 * moment after each refusal, so that TCP slows down a client that has sent too much at once, and only one that goes on is
 * closed.
 */
const PATIENCE = { burst: 40, perS: 1 };

/** Says how fast one connection, and all connections of a user together, may send. */
export class RequestLimits {
  private readonly requests: TokenBuckets;
  private readonly bytes: TokenBuckets;
  private readonly acks: TokenBuckets;

  constructor(
    readonly perConnection: RequestRates,
    perUser: RequestRates,
  ) {
    this.requests = new TokenBuckets(rateOf(perUser.requestsPerS));
    this.bytes = new TokenBuckets(rateOf(perUser.bytesPerS));
    this.acks = new TokenBuckets(rateOf(perUser.acksPerS));
  }

  /** @returns 0 if the user may send a request, otherwise the milliseconds until it may */
  takeRequest(user: string, nowMs: number): number {
    return this.requests.take(user, 1, nowMs);
  }

  /** @returns 0 if the user may send so many bytes, otherwise the milliseconds until it may */
  takeBytes(user: string, bytes: number, nowMs: number): number {
    return this.bytes.take(user, bytes, nowMs);
  }

  /** Charges the user for bytes of work that is done already. */
  chargeBytes(user: string, bytes: number, nowMs: number): void {
    this.bytes.charge(user, bytes, nowMs);
  }

  /** @returns 0 if the user may send an acknowledgement of this cost, otherwise the milliseconds until it may */
  takeAck(user: string, cost: number, nowMs: number): number {
    return this.acks.take(user, cost, nowMs);
  }

  /** Forgets the users that have sent nothing for a while. The owner calls this now and then. */
  sweep(nowMs: number): void {
    for (const buckets of [this.requests, this.bytes, this.acks]) buckets.sweep(nowMs);
  }
}

/** Limits how fast one connection sends, within what its user may send. */
export class RequestLimiter {
  private readonly requests: TokenBucket;
  private readonly bytes: TokenBucket;
  private readonly acks: TokenBucket;
  /** How much may still be refused before it is a flood. Undefined until something is refused. */
  private patience: TokenBucket | undefined;

  constructor(
    private readonly limits: RequestLimits,
    private readonly user: string,
    nowMs: number,
  ) {
    const { requestsPerS, bytesPerS, acksPerS } = limits.perConnection;
    this.requests = new TokenBucket(rateOf(requestsPerS), nowMs);
    this.bytes = new TokenBucket(rateOf(bytesPerS), nowMs);
    this.acks = new TokenBucket(rateOf(acksPerS), nowMs);
  }

  /** @returns 0 if the connection may send a request, otherwise the milliseconds until it might */
  takeRequest(nowMs: number): number {
    return this.requests.take(1, nowMs) || this.limits.takeRequest(this.user, nowMs);
  }

  /** @returns 0 if the connection may send so many bytes, otherwise the milliseconds until it might */
  takeBytes(bytes: number, nowMs: number): number {
    return this.bytes.take(bytes, nowMs) || this.limits.takeBytes(this.user, bytes, nowMs);
  }

  /** Charges the connection and its user for an answer of so many bytes, which the requests to come pay for. */
  chargeAnswer(bytes: number, nowMs: number): void {
    const cost = bytes / ANSWER_BYTES;
    this.bytes.charge(cost, nowMs);
    this.limits.chargeBytes(this.user, cost, nowMs);
  }

  /**
   * @param bytes the length of the acknowledgement: a long one counts as several
   * @returns 0 if the connection may send it, otherwise the milliseconds until it might
   */
  takeAck(bytes: number, nowMs: number): number {
    const cost = Math.ceil(bytes / ACK_BYTES);
    return this.acks.take(cost, nowMs) || this.limits.takeAck(this.user, cost, nowMs);
  }

  /** Counts what was refused. @returns true if the connection has gone on for too long */
  isFlood(nowMs: number): boolean {
    const { requestsPerS } = this.limits.perConnection;
    const burst = Math.min(PATIENCE.burst, requestsPerS || PATIENCE.burst);
    this.patience ??= new TokenBucket({ perS: PATIENCE.perS, burst }, nowMs);
    return this.patience.take(1, nowMs) > 0;
  }
}

/** The rates made so far. They are shared, because thousands of connections have the same ones. */
const rates = new Map<number, Rate>();

function rateOf(perS: number): Rate {
  let rate = rates.get(perS);
  if (!rate) rates.set(perS, (rate = { perS, burst: perS * BURST_S }));
  return rate;
}
