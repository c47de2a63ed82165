import { Bucket, type Rate } from './bucket.js';

/** Keys that are remembered at most. A strange address or a user costs some 200 bytes for as long as its bucket fills. */
const MAX_KEYS = 100_000;

/** A token bucket for each key: a user, an address, an API key. Those that are full again are forgotten. */
export class Buckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly maxKeys = MAX_KEYS,
  ) {}

  /** @returns 0 if the cost was taken, else the milliseconds after which it would be */
  take(key: string, cost: number, nowMs: number): number {
    if (this.rate.perS === 0) return 0;
    return this.of(key, nowMs).take(cost, nowMs);
  }

  /** Takes the cost of what is done already, if need be as a debt. */
  charge(key: string, cost: number, nowMs: number): void {
    if (this.rate.perS > 0) this.of(key, nowMs).charge(cost, nowMs);
  }

  /** What could be taken now. */
  left(key: string, nowMs: number): number {
    return this.buckets.get(key)?.left(nowMs) ?? this.rate.burst;
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Forgets the buckets that are full. Its owner calls this now and then. */
  sweep(nowMs: number): void {
    for (const [key, bucket] of this.buckets) if (bucket.isFull(nowMs)) this.buckets.delete(key);
  }

  private of(key: string, nowMs: number): Bucket {
    const known = this.buckets.get(key);
    if (known) return known;
    this.makeRoom(nowMs);
    const bucket = new Bucket(this.rate, nowMs);
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** The one that was made first goes, which is then given a full bucket when it comes again: memory has to end somewhere. */
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
