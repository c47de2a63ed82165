export interface LifecycleScenarioOptions {
  /** The number of clients; undefined for as many as the scenario is meant for. */
  readonly clients: number | undefined;
  readonly seconds: number | undefined;
  readonly note: (text: string) => void;
}

/** One measured number, with an optional bound that has to hold. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit?: string;
  readonly atMost?: number;
}

/** A scenario: one claim about the life of a cluster, shown on real processes. */
export interface LifecycleScenario {
  readonly name: string;
  readonly does: string;
  run(options: LifecycleScenarioOptions): Promise<Figure[]>;
}

export function holds({ value, atMost }: Figure): boolean {
  return atMost === undefined || value <= atMost;
}
