import { AFTERMATH_MS } from '../checker/strike-book.js';
import type { Dice } from '../dice.js';
import { FAULTS } from './catalog.js';
import type { Fault } from './fault.js';
import { KILL } from './instances.js';
import { POSTGRES_CRASH } from './postgres.js';

export interface PlanOptions {
  readonly seconds: number;
  readonly dice: Dice;
  /** The names of the only faults to do. */
  readonly only?: readonly string[] | undefined;
}

/** A run of at least this many seconds has time for every fault in its full length. */
const LONG_RUN_S = 300;
/** The kills of a 600 s run are 30; half of them take two instances at once. */
const KILLS_PER_S = 30 / 600;
const CRASHES_OF_LONG_RUN = 4;

export function isLongRun(seconds: number): boolean {
  return seconds >= LONG_RUN_S;
}

/**
 * Decides which faults are done, in which order: first a deck shuffled by the seed, then more by weight if time is
 * left.
 */
export class FaultPlan {
  readonly isLong: boolean;
  private readonly deck: Fault[];
  private readonly choice: readonly Fault[];

  constructor(private readonly options: PlanOptions) {
    const { seconds, dice, only } = options;
    this.isLong = isLongRun(seconds);
    this.choice = only ? only.map(faultNamed) : FAULTS.filter((fault) => this.isLong || !fault.isForLongRuns);
    this.deck = only ? dice.shuffle(this.choice) : this.makeDeck();
  }

  /** True if a fault may move the database's clock. */
  get movesClock(): boolean {
    return this.choice.some((fault) => fault.movesClock);
  }

  /** The next fault that ends in time; undefined if there is none. */
  next(remainingMs: number): Fault | undefined {
    const fits = (fault: Fault): boolean => this.costMs(fault) <= remainingMs;
    for (let fault = this.deck.shift(); fault; fault = this.deck.shift()) if (fits(fault)) return fault;
    const rest = this.choice.filter((fault) => fits(fault) && fault.isBackground !== true);
    return rest.length === 0 ? undefined : this.byWeight(rest);
  }

  private makeDeck(): Fault[] {
    const { seconds, dice } = this.options;
    const kills = Math.max(2, Math.round(seconds * KILLS_PER_S));
    let budgetMs = seconds * 1_000 - kills * this.costMs(KILL);
    const others: Fault[] = [];
    const candidates = this.candidates();
    for (let next = candidates.shift(); next; next = candidates.shift()) {
      if (this.costMs(next) > budgetMs) continue;
      others.push(next);
      if (next.isBackground !== true) budgetMs -= this.costMs(next);
    }
    // A crash stands early, so that no run is without one, however long its faults take.
    const [crash = POSTGRES_CRASH, ...rest] = others;
    return interleave([crash, ...dice.shuffle(rest)], kills);
  }

  /**
   * Orders the faults: crashes first, so that no run is without one; then all others, so that those with a high weight
   * tend to come first.
   */
  private candidates(): Fault[] {
    const crashes = this.isLong ? CRASHES_OF_LONG_RUN : 1;
    const others = this.choice.filter((fault) => fault !== KILL && fault !== POSTGRES_CRASH);
    const ordered: Fault[] = Array<Fault>(crashes).fill(POSTGRES_CRASH);
    while (others.length > 0) {
      const fault = this.byWeight(others);
      others.splice(others.indexOf(fault), 1);
      ordered.push(fault);
    }
    return ordered;
  }

  private byWeight(faults: readonly Fault[]): Fault {
    // A kill takes the least time of all. This weight makes it as frequent as other faults in the time that is left.
    const weightOf = ({ weight }: Fault): number => weight || 8;
    let at = this.options.dice.between(
      0,
      faults.reduce((sum, fault) => sum + weightOf(fault), 0),
    );
    for (const fault of faults) {
      at -= weightOf(fault);
      if (at < 0) return fault;
    }
    return faults[0] ?? KILL;
  }

  /** The time of a fault, and the wait after it. */
  private costMs({ lastsMs, isBackground }: Fault): number {
    const duration = this.isLong ? lastsMs.long : lastsMs.short;
    return duration + (isBackground ? 0 : AFTERMATH_MS + 500);
  }
}

function interleave(others: readonly Fault[], kills: number): Fault[] {
  const places = [
    ...others.map((fault, index) => ({ fault, at: (index + 0.5) / others.length })),
    ...Array.from({ length: kills }, (_, index) => ({ fault: KILL, at: (index + 0.4) / kills })),
  ];
  return places.sort((a, b) => a.at - b.at).map(({ fault }) => fault);
}

/**
 * Finds a fault by its name.
 * @throws Error that lists the names there are
 */
export function faultNamed(name: string): Fault {
  const fault = FAULTS.find((known) => known.name === name);
  if (!fault) throw new Error(`--faults: there is no "${name}", only ${FAULTS.map((known) => known.name).join(', ')}`);
  return fault;
}
