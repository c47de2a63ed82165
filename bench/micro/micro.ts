/** Measures a part by itself, without network and processes. */
export interface Micro {
  readonly name: string;
  readonly unit: string;
  /** True if the contestants do the same thing and the first one is ours; otherwise they are parts of one thing. */
  readonly isContest?: boolean;
  /** Each function is called once a round. */
  readonly contestants: Readonly<Record<string, (seconds: number) => Promise<number>>>;
  close(): Promise<void>;
}

/** The number of calls between two looks at the clock. */
const AT_ONCE = 1_000;

/** Measures how many times a second `work` can be done, one call after the other. */
export async function timesPerSecond(seconds: number, work: (turn: number) => void): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let done = 0;
  while (performance.now() < endsAt) {
    for (const until = done + AT_ONCE; done < until; done++) work(done);
  }
  return done / ((performance.now() - startedAt) / 1_000);
}
