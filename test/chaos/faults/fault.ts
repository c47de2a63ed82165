import type { Dice } from '../dice.js';
import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';
import type { Expectation } from '../history/event.js';

/** The environment in which one fault is done, and what the fault reports to. */
export interface Scene {
  readonly environment: ChaosEnvironment;
  readonly dice: Dice;
  /** Ends a fault early. The fault heals what it did all the same. */
  readonly signal: AbortSignal;
  /** True in long runs, which have time for the full lengths. */
  readonly isLong: boolean;
  /** Must be called when everything is prepared, right before the harm is done. */
  readonly begin: (detail: string, more?: { readonly count?: number; readonly touched?: readonly string[] }) => void;
  /** Reports something that no fault excuses. */
  readonly trouble: (what: string) => void;
}

/** A kind of fault, and what may be expected of the servers while and after it is done. */
export interface Fault extends Omit<Expectation, 'touched'> {
  readonly name: string;
  /** Describes the fault in one line, for those who read the list. */
  readonly does: string;
  /** About how long the fault takes, for planning. */
  readonly lastsMs: { readonly short: number; readonly long: number };
  /**
   * How often the fault is chosen in comparison with others. With 0 it is done only if asked for by its name, or as
   * part of what every plan contains.
   */
  readonly weight: number;
  /**
   * True if the fault takes long, or needs what only a long run prepares. A short run does it only if asked for by its
   * name.
   */
  readonly isForLongRuns?: boolean;
  /**
   * Does the fault. Resolves at its end, when everything is healed that does not heal by itself.
   * @throws NotDone if it could not be done, for a reason that says nothing about the servers
   * @throws NotHealed if it could not be taken back
   */
  readonly inflict: (scene: Scene) => Promise<void>;
}
