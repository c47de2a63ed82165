import { LatencySamples, type LatencySummary } from './latency-samples.js';

/** The experience of the honest clients in one phase. */
export interface Experience {
  readonly published: number;
  /** Times from when a publish was due until it was answered. */
  readonly answers: LatencySummary;
  /** Times from when a publish was due until its reader had it. */
  readonly deliveries: LatencySummary;
  /** Times from the first try of a newcomer to `ready`. */
  readonly entries: LatencySummary;
  /** Describes in words what was refused, or had no answer at all. */
  readonly refusals: readonly string[];
  readonly connectionsLost: number;
}

/** The ledger of one phase; its owner opens another for the next one. */
export class ExperienceLedger {
  published = 0;
  connectionsLost = 0;
  readonly answers = new LatencySamples();
  readonly deliveries = new LatencySamples();
  readonly entries = new LatencySamples();
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
