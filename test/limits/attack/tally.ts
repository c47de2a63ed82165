/** What an attacker did, and what came of it, by a word for each outcome. */
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

  /** The server has ended a connection. */
  countEnd(how: string): void {
    this.firstEndMs ??= Math.round(performance.now() - this.startedAt);
    this.count(how);
  }

  /** Reads the answer to a request, as it stands in a text frame. Everything else says nothing. */
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

/** An error stands there with its code; of a page of history no more is worth to be read. */
const ANSWER_BEGINNING = 200;
