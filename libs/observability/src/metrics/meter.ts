/**
 * The libs count with a meter. Counting adds to a plain number, whether metrics are on or off; numbers that exist
 * anyway are read when somebody scrapes. A name begins with `trunkline_` and ends with its unit; a label never holds
 * what a client gave.
 */
export interface Described {
  readonly name: string;
  readonly help: string;
}

export interface Labelled extends Described {
  readonly label: string;
}

export interface Histogram {
  observe(value: number): void;
}

export interface Histograms<Label extends string> {
  observe(label: Label, value: number): void;
}

type OrPromise<T> = T | Promise<T>;

/**
 * A meter that is asked twice for the same name gives the same counter; a gauge uses the reader that was given last.
 */
export interface Meter {
  /** False means that nobody will ever look, so nothing needs to be measured. */
  readonly isOn: boolean;
  counter(about: Described): Count;
  /** Labels in `known` are shown from the start, with 0. */
  counters<Label extends string>(about: Labelled, known?: readonly Label[]): Counts<Label>;
  histogram(about: Described, buckets: readonly number[]): Histogram;
  histograms<Label extends string>(about: Labelled, buckets: readonly number[]): Histograms<Label>;
  /** A gauge is left out of the scrape while `read` gives undefined. */
  gauge(about: Described, read: () => OrPromise<number | undefined>): void;
  gauges(about: Labelled, read: () => OrPromise<Iterable<readonly [string, number]>>): void;
}

/** Injection token of the {@link Meter}. */
export const METER = Symbol('meter');

export class Count {
  total = 0;

  inc(by = 1): void {
    this.total += by;
  }
}

/** Keeps a count for each of a few labels. */
export class Counts<Label extends string> {
  readonly totals = new Map<Label, number>();

  inc(label: Label, by = 1): void {
    this.totals.set(label, (this.totals.get(label) ?? 0) + by);
  }
}

const UNSEEN = { observe: (): void => undefined };

/** This meter is used while metrics are off. */
export const NO_METER: Meter = {
  isOn: false,
  counter: () => new Count(),
  counters: () => new Counts(),
  histogram: () => UNSEEN,
  histograms: () => UNSEEN,
  gauge: () => undefined,
  gauges: () => undefined,
};
