import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';
import { TokenBuckets } from './token-buckets.js';

describe('Bucket', () => {
  it('holds its burst, and then passes what its rate allows', () => {
    const bucket = new TokenBucket({ perS: 10, burst: 3 }, 0);
    expect([1, 2, 3].map(() => bucket.take(1, 0))).toEqual([0, 0, 0]);
    expect(bucket.take(1, 0)).toBe(100);
    expect(bucket.take(1, 99)).toBe(1);
    expect(bucket.take(1, 100)).toBe(0);
  });

  it('lets a cost beyond its burst through when it is full, and makes it pay for it', () => {
    const bucket = new TokenBucket({ perS: 10, burst: 5 }, 0);
    expect(bucket.take(15, 0)).toBe(0);
    expect(bucket.take(1, 0)).toBe(1_100);
  });

  it('never passes more than its rate and its burst in any time, whoever asks when', () => {
    const asks = fc.array(fc.record({ afterMs: fc.nat(500), cost: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(asks, (steps) => {
        const bucket = new TokenBucket({ perS: 20, burst: 10 }, 0);
        let nowMs = 0;
        let taken = 0;
        for (const { afterMs, cost } of steps) {
          nowMs += afterMs;
          if (bucket.take(cost, nowMs) === 0) taken += cost;
          expect(taken).toBeLessThanOrEqual(10 + (20 * nowMs) / 1_000 + 1e-6);
        }
      }),
    );
  });

  it('tells when it is worth to come again', () => {
    const costs = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(fc.array(costs, { minLength: 1, maxLength: 50 }), (steps) => {
        const bucket = new TokenBucket({ perS: 7, burst: 10 }, 0);
        let nowMs = 0;
        for (const cost of steps) {
          const afterMs = bucket.take(cost, nowMs);
          if (afterMs === 0) continue;
          nowMs += afterMs;
          expect(bucket.take(cost, nowMs)).toBe(0);
        }
      }),
    );
  });
});

describe('Buckets', () => {
  it('keeps one for each key, and forgets those that are full again', () => {
    const buckets = new TokenBuckets({ perS: 1, burst: 1 });
    expect(['ann', 'bob', 'ann'].map((key) => buckets.take(key, 1, 0))).toEqual([0, 0, 1_000]);
    buckets.sweep(500);
    expect(buckets.size).toBe(2);
    buckets.sweep(1_000);
    expect(buckets.size).toBe(0);
  });

  it('remembers no more keys than it may', () => {
    const buckets = new TokenBuckets({ perS: 1, burst: 1 }, 10);
    for (let key = 0; key < 1_000; key++) buckets.take(`10.0.0.${key}`, 1, 0);
    expect(buckets.size).toBe(10);
  });

  it('limits nothing at a rate of 0', () => {
    const buckets = new TokenBuckets({ perS: 0, burst: 0 });
    expect(buckets.take('ann', 1e9, 0)).toBe(0);
  });
});
