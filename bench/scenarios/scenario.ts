import type { Bench } from '../bench.js';
import type { CpuUse } from '../cpu/cpu-meter.js';
import type { Checks } from '../load/plan.js';

/** One figure that a measurement gives. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
}

export interface Measurement {
  /** The figures by the names of the metrics. */
  readonly figures: Readonly<Record<string, number>>;
  /** Left out where nothing is delivered. */
  readonly checks?: Checks;
  /** Microseconds of CPU time for each message delivered, by metric and kind of process. */
  readonly cpu?: Readonly<Record<string, CpuUse>>;
  /** The cores that other programs used meanwhile. */
  readonly elsewhere?: number;
}

/** A system, or a system in a certain state, that takes part in the rounds. The first contestant is ours. */
export interface Contestant {
  readonly name: string;
  measure(): Promise<Measurement>;
  close(): Promise<void>;
}

export interface Scenario {
  readonly letter: string;
  readonly title: string;
  /** The first metric is the headline. */
  readonly metrics: readonly Metric[];
  open(bench: Bench): Promise<Contestant[]>;
}
