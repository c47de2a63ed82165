import { Dice } from '../dice.js';
import { FAULTS } from './catalog.js';
import { FaultPlan } from './plan.js';

/** Lists the names of the faults of a run in which each takes as long as it is expected to. */
function planned(seconds: number, seed: number, only?: readonly string[]): string[] {
  const plan = new FaultPlan({ seconds, dice: new Dice(seed), only });
  const names: string[] = [];
  let remainingMs = seconds * 1_000;
  for (let fault = plan.next(remainingMs); fault; fault = plan.next(remainingMs)) {
    names.push(fault.name);
    if (!fault.isBackground) remainingMs -= (plan.isLong ? fault.lastsMs.long : fault.lastsMs.short) + 5_500;
  }
  return names;
}

const countOf = (names: readonly string[], name: string): number => names.filter((known) => known === name).length;

test.each([1, 2, 3, 4, 5])(
  'a run of ten minutes has three faults of four, many kills and four crashes (seed %i)',
  (seed) => {
    const names = planned(600, seed);
    expect(countOf(names, 'kill')).toBeGreaterThanOrEqual(27);
    expect(countOf(names, 'postgres-crash')).toBeGreaterThanOrEqual(4);
    expect(new Set(names).size).toBeGreaterThanOrEqual(FAULTS.length - 8);
  },
);

test.each([1, 2, 3, 4, 5])('a run of a minute kills and crashes (seed %i)', (seed) => {
  const names = planned(60, seed);
  expect(countOf(names, 'kill')).toBeGreaterThanOrEqual(2);
  expect(countOf(names, 'postgres-crash')).toBeGreaterThanOrEqual(1);
  expect(names.length).toBeGreaterThanOrEqual(5);
});

test('the same seed gives the same faults, another one others', () => {
  expect(planned(600, 7)).toEqual(planned(600, 7));
  expect(planned(600, 7)).not.toEqual(planned(600, 8));
});

test('what only a long run prepares is part of a short one if it is asked for', () => {
  const isForLongRuns = new Set(FAULTS.filter((fault) => fault.isForLongRuns).map(({ name }) => name));
  const inShortRuns = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((seed) => planned(60, seed));
  expect(inShortRuns.filter((name) => isForLongRuns.has(name))).toEqual([]);
  expect(planned(60, 1, ['database-clock'])).toContain('database-clock');
});

test('only the faults asked for strike', () => {
  expect(new Set(planned(120, 1, ['same-id', 'disk-full']))).toEqual(new Set(['same-id', 'disk-full']));
});

test('a fault nobody knows is refused with the list of those there are', () => {
  expect(() => planned(60, 1, ['flood'])).toThrow(/"flood", only kill, stop-10s/);
});
