import { Latencies, type LatencySummary } from './latencies.js';

/** What the honest clients lived through in one phase. */
export interface Experience {
  readonly published: number;
  /** From when a publish was due to its answer. */
  readonly answers: LatencySummary;
  /** From when a publish was due until its reader had it. */
  readonly deliveries: LatencySummary;
  /** From the first try of somebody new to `ready`. */
  readonly entries: LatencySummary;
  /** What was refused, or had no answer at all, in words. */
  readonly refusals: readonly string[];
  readonly connectionsLost: number;
}

/** Of one phase; its owner opens the next one. */
export class Ledger {
  published = 0;
  connectionsLost = 0;
  readonly answers = new Latencies();
  readonly deliveries = new Latencies();
  readonly entries = new Latencies();
  private readonly refusals: string[] = [];

  refuse(what: string): void {
    this.refusals.push(what);
  }

  get experience(): Experience {
    const { published, connectionsLost, refusals } = this;
    return {
      ...{ published, connectionsLost, refusals: [...refusals] },
      answers: this.answers.summary(),
      deliveries: this.deliveries.summary(),
      entries: this.entries.summary(),
    };
  }
}
