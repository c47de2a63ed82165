import fc from 'fast-check';
import { SlidingWindow } from './sliding-window.js';

const steps = fc.array(fc.nat(300), { minLength: 1, maxLength: 200 });

describe('SlidingWindow', () => {
  it('counts everything of the last window, and nothing that is more than a twentieth older', () => {
    fc.assert(
      fc.property(steps, (pauses) => {
        const window = new SlidingWindow(1_000);
        const times: number[] = [];
        let nowMs = 5_000;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          window.add(nowMs);
          times.push(nowMs);
          const within = (spanMs: number): number => times.filter((atMs) => atMs > nowMs - spanMs).length;
          expect(window.count(nowMs)).toBeGreaterThanOrEqual(within(1_000));
          expect(window.count(nowMs)).toBeLessThanOrEqual(within(1_050));
        }
      }),
    );
  });

  it('tells when the oldest leave', () => {
    fc.assert(
      fc.property(steps, (pauses) => {
        const window = new SlidingWindow(1_000);
        let nowMs = 5_000;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          window.add(nowMs);
        }
        const before = window.count(nowMs);
        const afterMs = window.untilOldestLeave(nowMs);
        expect(window.count(nowMs + afterMs - 0.001)).toBe(before);
        expect(window.count(nowMs + afterMs)).toBeLessThan(before);
      }),
    );
  });

  it('is empty after a pause of any length', () => {
    const window = new SlidingWindow(1_000);
    window.add(70);
    expect(window.count(1e9)).toBe(0);
    expect(window.untilOldestLeave(1e9)).toBe(0);
  });
});
