import fc from 'fast-check';
import { RequestLimiter, RequestLimits } from './request-limits.js';

const rates = (requestsPerS: number, bytesPerS = 0, acksPerS = 0) => ({ requestsPerS, bytesPerS, acksPerS });

describe('RequestLimiter', () => {
  it('takes what three seconds allow at once, and then what each second does', () => {
    const limiter = new RequestLimiter(new RequestLimits(rates(5), rates(0)), 'ann', 0);
    const taken = Array.from({ length: 20 }, () => limiter.takeRequest(0)).filter((waitMs) => waitMs === 0);
    expect(taken).toHaveLength(15);
    expect(limiter.takeRequest(0)).toBe(200);
    expect(limiter.takeRequest(200)).toBe(0);
  });

  it('takes of all connections of a user together what the user may, and of nobody else less', () => {
    const limits = new RequestLimits(rates(5), rates(5));
    const [one, two, other] = ['ann', 'ann', 'bob'].map((user) => new RequestLimiter(limits, user, 0));
    for (let n = 0; n < 15; n++) one?.takeRequest(0);
    expect(two?.takeRequest(0)).toBe(200);
    expect(other?.takeRequest(0)).toBe(0);
    // A new connection of the user finds only what the earlier ones left.
    expect(new RequestLimiter(limits, 'ann', 0).takeRequest(0)).toBe(200);
  });

  it('counts a long acknowledgement as several', () => {
    const limiter = new RequestLimiter(new RequestLimits(rates(0, 0, 1), rates(0)), 'ann', 0);
    expect(limiter.takeAck(2 * 256, 0)).toBe(0);
    expect(limiter.takeAck(100, 0)).toBe(0);
    expect(limiter.takeAck(1, 0)).toBe(1_000);
  });

  it('calls it a flood when many were refused, and not for one a second', () => {
    const limiter = new RequestLimiter(new RequestLimits(rates(10), rates(0)), 'ann', 0);
    const floods = Array.from({ length: 11 }, () => limiter.isFlood(0));
    expect(floods.indexOf(true)).toBe(10);
    expect(limiter.isFlood(1_000)).toBe(false);
    expect(limiter.isFlood(1_000)).toBe(true);
    expect(new RequestLimiter(new RequestLimits(rates(0, 1_000), rates(0)), 'ann', 0).isFlood(0)).toBe(false);
  });

  it('charges the connection and its user a quarter of what an answer is long', () => {
    const limits = new RequestLimits(rates(0, 100), rates(0, 100));
    const [one, two] = ['ann', 'ann'].map((user) => new RequestLimiter(limits, user, 0));
    one?.chargeAnswer(1_600, 0);
    expect(one?.takeBytes(1, 0)).toBe(1_010);
    expect(two?.takeBytes(1, 0)).toBe(1_010);
  });

  it('refuses nobody who stays below its rates, whatever the others do', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ user: fc.nat(5), afterMs: fc.nat(300), bytes: fc.nat(2_000) })), (sent) => {
        const limits = new RequestLimits(rates(10, 10_000), rates(20, 20_000));
        const honest = new RequestLimiter(limits, 'honest', 0);
        const others = Array.from({ length: 6 }, (_, n) => new RequestLimiter(limits, `other-${n}`, 0));
        let nowMs = 0;
        let nextMs = 0;
        for (const { user, afterMs, bytes } of sent) {
          nowMs += afterMs;
          others[user]?.takeRequest(nowMs);
          others[user]?.takeBytes(bytes, nowMs);
          for (; nextMs <= nowMs; nextMs += 100) {
            expect(honest.takeRequest(nextMs) + honest.takeBytes(1_000, nextMs)).toBe(0);
          }
        }
      }),
    );
  });
});
