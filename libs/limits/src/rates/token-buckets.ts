import { TokenBucket, type Rate } from './token-bucket.js';

/** The most keys that are remembered. An unknown address or a user costs some 200 bytes until its bucket is full. */
const MAX_KEYS = 100_000;

/** One token bucket per key (a user, an address, an API key). Buckets that are full again are forgotten. */
export class TokenBuckets {
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(
    private readonly rate: Rate,
    private readonly maxKeys = MAX_KEYS,
  ) {}

  /** @returns 0 if the cost was taken, otherwise the milliseconds until it would be */
  take(key: string, cost: number, nowMs: number): number {
    if (this.rate.perS === 0) return 0;
    return this.of(key, nowMs).take(cost, nowMs);
  }

  /** Takes the cost of work that is done already; if the bucket of the key holds less, it goes into debt. */
  charge(key: string, cost: number, nowMs: number): void {
    if (this.rate.perS > 0) this.of(key, nowMs).charge(cost, nowMs);
  }

  /** Returns the tokens that could be taken now; for an unknown key that is the burst. */
  left(key: string, nowMs: number): number {
    return this.buckets.get(key)?.left(nowMs) ?? this.rate.burst;
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Forgets the buckets that are full. The owner calls this now and then. */
  sweep(nowMs: number): void {
    for (const [key, bucket] of this.buckets) if (bucket.isFull(nowMs)) this.buckets.delete(key);
  }

  private of(key: string, nowMs: number): TokenBucket {
    const known = this.buckets.get(key);
    if (known) return known;
    this.makeRoom(nowMs);
    const bucket = new TokenBucket(this.rate, nowMs);
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** Bounds the memory. If no bucket is full, the first one made is forgotten; its key would get a full one again. */
  private makeRoom(nowMs: number): void {
    if (this.buckets.size < this.maxKeys) return;
    this.sweep(nowMs);
    if (this.buckets.size < this.maxKeys) return;
    for (const [oldest] of this.buckets) {
      this.buckets.delete(oldest);
      return;
    }
  }
}
