import { setTimeout as delay } from 'node:timers/promises';

export interface SharedAnswerOptions<T> {
  readonly ask: () => Promise<T>;
  /** For so long an answer serves everybody who wants it. */
  readonly freshMs: number;
  /** Nobody waits longer: an answer that takes its time is none. */
  readonly deadlineMs: number;
  readonly now?: () => number;
}

/**
 * One question for all who have it: asked when somebody wants to know, at most once in `freshMs`, and never again while
 * it is under way, however late the answer. So the number of probes does not matter to the one who is asked.
 */
export class SharedAnswer<T> {
  private known: { readonly answer: T | undefined; readonly at: number } | undefined;
  private waiting: Promise<T | undefined> | undefined;
  private isAsking = false;
  private readonly now: () => number;

  constructor(private readonly options: SharedAnswerOptions<T>) {
    this.now = options.now ?? (() => performance.now());
  }

  /** Undefined: it could not be answered, or not in time. */
  async get(): Promise<T | undefined> {
    if (this.waiting) return this.waiting;
    // One that is overdue is still under way: asking again would only queue up behind it.
    if (this.isAsking) return undefined;
    if (this.known && this.now() - this.known.at < this.options.freshMs) return this.known.answer;
    this.waiting = this.ask().finally(() => (this.waiting = undefined));
    return this.waiting;
  }

  private async ask(): Promise<T | undefined> {
    const at = this.now();
    this.isAsking = true;
    const answering = this.options
      .ask()
      // Why is the business of its own log lines; who asks for health is told that there is no answer.
      .catch(() => undefined)
      .finally(() => (this.isAsking = false));
    const deadline = new AbortController();
    const overdue = delay(this.options.deadlineMs, undefined, { signal: deadline.signal, ref: false }).catch(
      () => undefined,
    );
    const answer = await Promise.race([answering, overdue]);
    deadline.abort();
    this.known = { answer, at };
    return answer;
  }
}
