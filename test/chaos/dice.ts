import { seededRandom, type Random } from '../../apps/demo/seeded-random.js';

/** All randomness of a run comes from its seed. Each part has dice of its own, so that one does not disturb another. */
export class Dice {
  private readonly random: Random;

  constructor(private readonly seed: number) {
    this.random = seededRandom(seed);
  }

  /** Makes other dice, always the same for the same name. */
  named(name: string): Dice {
    let mixed = this.seed;
    for (const character of name) mixed = (Math.imul(mixed, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
    return new Dice(mixed);
  }

  /** Gives a number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  /** Gives a whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[Math.floor(this.random() * items.length)] as T;
  }

  /** Picks `count` different items, or all there are. */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count);
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.whole(0, index);
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }
}
