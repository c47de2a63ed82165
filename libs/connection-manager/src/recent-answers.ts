interface Recent<Answer> {
  readonly answer: Promise<Answer>;
  /** By performance.now(). */
  readonly endsAtMs: number;
}

export interface RecentAnswersOptions {
  readonly keepMs: number;
  /** How many are kept: the oldest goes first. */
  readonly maxAnswers: number;
}

/** Answers that are given again for a moment to whoever asks the same, so that asking often costs no more than asking once. */
export class RecentAnswers<Answer> {
  /** Oldest first. */
  private readonly answers = new Map<string, Recent<Answer>>();

  constructor(private readonly options: RecentAnswersOptions) {}

  /** The answer of a moment ago, or the one that `ask` gives. A question that fails is asked again. */
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

  /** The answer is another one by now; one that is being asked for may hold the old one, and is not given again. */
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
