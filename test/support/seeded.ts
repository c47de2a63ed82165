/** Random numbers that can be repeated: put `seed` into the test's name, and TEST_SEED=<seed> repeats a run. */
export interface Seeded {
  readonly seed: number;
  /** Gives a whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
  /** True with this probability. */
  chance(share: number): boolean;
}

export function seeded(seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))): Seeded {
  let state = seed;
  // mulberry32
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(random() * end);
  return {
    seed,
    below,
    pick: <T>(items: readonly T[]) => items[below(items.length)] as T,
    chance: (share) => random() < share,
  };
}
