import type { Dice } from '../dice.js';
import type { Expectation } from '../history/event.js';
import type { Stage } from '../world/stage.js';

/** Where and how one fault is done. */
export interface Scene {
  readonly stage: Stage;
  readonly dice: Dice;
  /** Ends a fault early; it heals what it did all the same. */
  readonly signal: AbortSignal;
  /** Long runs have time for the full lengths. */
  readonly isLong: boolean;
  /** To be called when everything is prepared, right before the harm is done. */
  readonly begin: (detail: string, more?: { readonly count?: number; readonly touched?: readonly string[] }) => void;
  /** Something happened that no fault excuses. */
  readonly trouble: (what: string) => void;
}

/** One way to do harm. */
export interface Fault extends Omit<Expectation, 'touched'> {
  readonly name: string;
  /** One line, for those who read the list. */
  readonly does: string;
  /** About how long it takes, for planning. */
  readonly lastsMs: { readonly short: number; readonly long: number };
  /** How often it is chosen in comparison with others. 0: only by its name, or by what the plan always contains. */
  readonly weight: number;
  /** It takes long, or what only a long run prepares: a short one does it only if it is asked for by its name. */
  readonly isForLongRuns?: boolean;
  /**
   * Resolves at the end of the fault, when everything is healed that does not heal by itself.
   * @throws NotDone if it could not be done, for a reason that says nothing about the servers · NotHealed
   */
  readonly inflict: (scene: Scene) => Promise<void>;
}
