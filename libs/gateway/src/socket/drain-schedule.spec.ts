import { drainSchedule } from './drain-schedule.js';

describe('departures', () => {
  it('are spread evenly at the pace, so that no second sees more of them', () => {
    const turns = drainSchedule(1_000, { perSecond: 100, windowMs: 60_000 });
    for (let second = 0; second * 1_000 <= (turns.at(-1) ?? 0); second++) {
      const inSecond = turns.filter((ms) => ms >= second * 1_000 && ms < (second + 1) * 1_000);
      expect(inSecond.length).toBeLessThanOrEqual(100);
    }
    expect(turns.at(-1)).toBeGreaterThan(10_000);
  });

  it('of few are over at once: nobody waits for the end of the window', () => {
    expect(drainSchedule(3, { perSecond: 100, windowMs: 60_000 })).toEqual([0, 13, 25]);
  });

  it('of more than the pace allows still end within the window, as evenly as can be', () => {
    const turns = drainSchedule(1_000, { perSecond: 10, windowMs: 5_000 });
    expect(turns.at(-1)).toBeLessThan(5_000);
    expect(turns.filter((ms) => ms < 2_500)).toHaveLength(500);
  });

  it('of nobody are none', () => {
    expect(drainSchedule(0, { perSecond: 10, windowMs: 5_000 })).toEqual([]);
  });
});
