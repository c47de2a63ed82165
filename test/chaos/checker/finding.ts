/** The invariants, which test/chaos/README.md lists. */
export type Invariant = `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14}`;

/** One way in which an invariant was broken. */
export interface Finding {
  readonly invariant: Invariant;
  /** Says in words what is wrong; the examples follow. */
  readonly what: string;
  readonly count: number;
  /** The first few offences. */
  readonly examples: readonly string[];
}

const MAX_EXAMPLES = 5;

/** Counts offences of one kind and keeps the first few. */
export class Offences {
  count = 0;
  readonly examples: string[] = [];

  add(example: string, count = 1): void {
    this.count += count;
    if (this.examples.length < MAX_EXAMPLES) this.examples.push(example);
  }

  /** Makes a finding of the offences; the list is empty if there are none. */
  as(invariant: Invariant, what: string): Finding[] {
    return this.count === 0 ? [] : [{ invariant, what, count: this.count, examples: this.examples }];
  }
}
