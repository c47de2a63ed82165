import type { ServerResponse } from 'node:http';
import { rateLimited, TokenBuckets, type Rate } from '#limits';
import type { ProtocolError } from '#protocol';

export interface KeyRatesOptions {
  /** Requests may come at this rate; 0 means that there is no limit. */
  readonly requestsPerS: number;
  /** Bytes of request bodies may come at this rate; 0 means that there is no limit. */
  readonly bytesPerS: number;
}

/** As much as these seconds of the rate allow may come at once. */
const BURST_S = 2;

export type KeyLimit = 'key-requests' | 'key-bytes';

/**
 * Limits how fast the holder of a key may ask, and tells it in the RateLimit headers of
 * draft-ietf-httpapi-ratelimit-headers-11.
 */
export class KeyRates {
  private readonly requests: Limit;
  private readonly bytes: Limit;

  constructor({ requestsPerS, bytesPerS }: KeyRatesOptions) {
    this.requests = new Limit('key-requests', 'requests', requestsPerS);
    this.bytes = new Limit('key-bytes', 'content-bytes', bytesPerS);
  }

  /** Counts a request. @returns the limit that is exceeded, which the response then names; undefined if none is */
  takeRequest(key: string, response: ServerResponse): Exceeded | undefined {
    return this.requests.take(key, 1, response) ?? this.requests.tell(key, response);
  }

  /**
   * Counts the bytes of a body.
   * @returns the limit that is exceeded, which the response then names; undefined if none is
   */
  takeBytes(key: string, bytes: number, response: ServerResponse): Exceeded | undefined {
    return this.bytes.take(key, bytes, response);
  }

  sweep(nowMs: number): void {
    this.requests.buckets.sweep(nowMs);
    this.bytes.buckets.sweep(nowMs);
  }
}

export interface Exceeded {
  readonly limit: KeyLimit;
  readonly error: ProtocolError;
}

class Limit {
  readonly buckets: TokenBuckets;
  private readonly policy: string;
  private readonly rate: Rate;

  constructor(
    private readonly name: KeyLimit,
    private readonly unit: 'requests' | 'content-bytes',
    perS: number,
  ) {
    this.rate = { perS, burst: perS * BURST_S };
    this.buckets = new TokenBuckets(this.rate);
    this.policy = `"${name}";q=${this.rate.burst};w=${BURST_S}${unit === 'requests' ? '' : `;qu="${unit}"`}`;
  }

  take(key: string, cost: number, response: ServerResponse): Exceeded | undefined {
    const waitMs = this.buckets.take(key, cost, performance.now());
    if (waitMs === 0) return undefined;
    this.write(response, 0, waitMs);
    const message = `too much for one key: it may send ${this.rate.perS} ${this.unit} a second`;
    return { limit: this.name, error: rateLimited(message, waitMs) };
  }

  /** Writes into the response how much is left, and within which time it may be used. */
  tell(key: string, response: ServerResponse): undefined {
    if (this.rate.perS > 0) this.write(response, this.buckets.left(key, performance.now()), BURST_S * 1_000);
  }

  private write(response: ServerResponse, left: number, withinMs: number): void {
    response.setHeader('RateLimit-Policy', this.policy);
    response.setHeader('RateLimit', `"${this.name}";r=${left};t=${Math.ceil(withinMs / 1_000)}`);
  }
}
