import { setTimeout as delay } from 'node:timers/promises';

export interface SnapshotOptions {
  /** A new snapshot is not taken before this time has passed since the last try. */
  readonly everyMs: number;
  /** Nobody waits longer than this for a new snapshot. */
  readonly waitMs: number;
  /** A snapshot that was asked for longer ago is not shown any more. */
  readonly keepMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the answer to a question that costs the database something. It is asked when somebody looks, at most once in
 * `everyMs`, and never while the last one is under way, however late its answer. So the database does not notice how
 * many look.
 */
export class Snapshot<T> {
  private latest: { readonly value: T; readonly atMs: number } | undefined;
  private triedAtMs = -Infinity;
  private isTaking = false;
  /** Resolves when the snapshot is taken, or overdue. */
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly take: () => Promise<T>,
    private readonly options: SnapshotOptions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Undefined means that there is no snapshot, or none that is fresh enough to be shown. */
  async read(): Promise<T | undefined> {
    const { everyMs, keepMs } = this.options;
    // While a question is overdue, another one would only queue up behind it.
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
    await Promise.race([taking, overdue.catch(() => undefined)]); // the delay only ever fails by being aborted
    taken.abort();
  }
}
