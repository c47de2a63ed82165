import fc from 'fast-check';
import { backoffMs } from './backoff.js';

describe('backoffMs', () => {
  it('doubles with each attempt up to its maximum', () => {
    const pauses = [1, 2, 3, 4, 5, 2_000].map((attempt) =>
      backoffMs(attempt, { baseMs: 100, maxMs: 1_000, random: () => 1 }),
    );
    expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('scatters over the upper half, so that those who failed together do not come back together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, drawn) => {
        const options = { baseMs: 20, maxMs: 1_000 };
        const most = backoffMs(attempt, { ...options, random: () => 1 });
        const pause = backoffMs(attempt, { ...options, random: () => drawn });
        return pause >= most / 2 && pause < most;
      }),
    );
  });
});
