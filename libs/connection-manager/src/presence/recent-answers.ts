interface Recent<Answer> {
  readonly answer: Promise<Answer>;
  /** The answer is kept until this time, by performance.now(). */
  readonly endsAtMs: number;
}

export interface RecentAnswersOptions {
  readonly keepMs: number;
  /** At most this many answers are kept; the oldest is dropped first. */
  readonly maxAnswers: number;
}

/** Keeps answers for a moment for others who ask the same, so that asking often costs no more than asking once. */
export class RecentAnswers<Answer> {
  /** The answers by key, oldest first. */
  private readonly answers = new Map<string, Recent<Answer>>();

  constructor(private readonly options: RecentAnswersOptions) {}

  /** Returns the answer of a moment ago, otherwise the one that `ask` gives. A failure is not kept. */
  get(key: string, ask: () => Promise<Answer>, nowMs: number): Promise<Answer> {
    const known = this.answers.get(key);
    if (known && nowMs < known.endsAtMs) return known.answer;
    this.answers.delete(key);
    this.makeRoom(nowMs);
    const answer = ask();
    const recent = { answer, endsAtMs: nowMs + this.options.keepMs };
    this.answers.set(key, recent);
    answer.catch(() => {
      if (this.answers.get(key) === recent) this.answers.delete(key);
    });
    return answer;
  }

  /** Drops an answer that has changed. One still being asked for may be outdated, so it is not given again either. */
  forget(key: string): void {
    this.answers.delete(key);
  }

  get size(): number {
    return this.answers.size;
  }

  private makeRoom(nowMs: number): void {
    for (const [key, { endsAtMs }] of this.answers) {
      if (nowMs < endsAtMs && this.answers.size < this.options.maxAnswers) return;
      this.answers.delete(key);
    }
  }
}
