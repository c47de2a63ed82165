import type { Bench } from '../bench.js';
import type { CpuUse } from '../cpu/cpu-meter.js';
import type { Checks } from '../load/plan.js';

/** One figure that a measurement gives. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
}

export interface Measurement {
  /** By the names of the metrics. */
  readonly figures: Readonly<Record<string, number>>;
  /** Nothing to check where nothing is delivered. */
  readonly checks?: Checks;
  /** Microseconds for each message delivered, by metric and kind of process. */
  readonly cpu?: Readonly<Record<string, CpuUse>>;
  /** Cores that work of others took meanwhile. */
  readonly elsewhere?: number;
}

/** What takes part in the rounds: a system, or one in a certain state. The first is ours. */
export interface Contestant {
  readonly name: string;
  measure(): Promise<Measurement>;
  close(): Promise<void>;
}

export interface Scenario {
  readonly letter: string;
  readonly title: string;
  /** The first one is the headline. */
  readonly metrics: readonly Metric[];
  open(bench: Bench): Promise<Contestant[]>;
}
