/** A part measured by itself, without network and processes. */
export interface Micro {
  readonly name: string;
  readonly unit: string;
  /** They do the same thing, and the first one is ours; else they are parts of one thing. */
  readonly isContest?: boolean;
  /** Called once a round, each. */
  readonly contestants: Readonly<Record<string, (seconds: number) => Promise<number>>>;
  close(): Promise<void>;
}

/** What the loop does not look at the clock for. */
const AT_ONCE = 1_000;

/** How many times a second `work` can be done, one after the other. */
export async function timesPerSecond(seconds: number, work: (turn: number) => void): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let done = 0;
  while (performance.now() < endsAt) {
    for (const until = done + AT_ONCE; done < until; done++) work(done);
  }
  return done / ((performance.now() - startedAt) / 1_000);
}
