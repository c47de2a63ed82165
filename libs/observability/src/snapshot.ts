import { setTimeout as delay } from 'node:timers/promises';

export interface SnapshotOptions {
  /** It is not taken anew before this. */
  readonly everyMs: number;
  /** Nobody waits longer for a new one. */
  readonly waitMs: number;
  /** One asked for longer ago is better not shown. */
  readonly keepMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * What costs a question to the database: asked when somebody looks, at most once in `everyMs`, and never again while it
 * is under way, however late the answer. So the number of those who look does not matter to the one who is asked.
 */
export class Snapshot<T> {
  private latest: { readonly value: T; readonly atMs: number } | undefined;
  private triedAtMs = -Infinity;
  private isTaking = false;
  /** Ends when it is taken, or overdue. */
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly take: () => Promise<T>,
    private readonly options: SnapshotOptions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Undefined: there is none, or none fresh enough to be shown. */
  async read(): Promise<T | undefined> {
    const { everyMs, keepMs } = this.options;
    // Behind one that is overdue another would only queue up.
    if (!this.isTaking && this.now() - this.triedAtMs >= everyMs) {
      this.waiting = this.begin().finally(() => (this.waiting = undefined));
    }
    await this.waiting;
    return this.latest && this.now() - this.latest.atMs < keepMs ? this.latest.value : undefined;
  }

  private async begin(): Promise<void> {
    const atMs = (this.triedAtMs = this.now());
    this.isTaking = true;
    const taking = this.take()
      .then((value) => {
        this.latest = { value, atMs };
      }, this.options.onError)
      .finally(() => (this.isTaking = false));
    const taken = new AbortController();
    const overdue = delay(this.options.waitMs, undefined, { signal: taken.signal, ref: false });
    await Promise.race([taking, overdue.catch(() => undefined)]); // it only ever fails by being aborted
    taken.abort();
  }
}
