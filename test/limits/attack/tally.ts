/** Counts the outcomes of what an attacker did, by a word for each. */
export interface TallyReport {
  readonly outcomes: Readonly<Record<string, number>>;
  /** When the server first ended one of its connections, in ms from the beginning; null if it never did. */
  readonly firstEndMs: number | null;
  readonly seconds: number;
}

export class Tally {
  private readonly outcomes: Record<string, number> = {};
  private readonly startedAt = performance.now();
  private firstEndMs: number | null = null;

  count(outcome: string, times = 1): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + times;
  }

  /** Counts a connection that the server has ended. */
  countEnd(how: string): void {
    this.firstEndMs ??= Math.round(performance.now() - this.startedAt);
    this.count(how);
  }

  /** Counts the answer to a request, as it stands in a text frame. Other packets are not counted. */
  countAnswer(text: string): void {
    if (!text.startsWith('43')) return;
    const beginning = text.slice(0, ANSWER_BEGINNING);
    this.count(beginning.includes('"ok":true') ? 'ok' : (/"code":(\d+)/.exec(beginning)?.[1] ?? 'ok'));
  }

  report(): TallyReport {
    const { outcomes, firstEndMs, startedAt } = this;
    return { outcomes, firstEndMs, seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
  }
}

/** An error has its code in this part of an answer. More of a page of history is not worth reading. */
const ANSWER_BEGINNING = 200;
