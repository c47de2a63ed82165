import { setTimeout as delay } from 'node:timers/promises';

export interface SnapshotOptions {
  /** It is not taken anew before this. */
  readonly everyMs: number;
  /** Whoever asks waits at most this long for a new one; after that, for the next time. */
  readonly waitMs: number;
  /** An older one is better not shown. */
  readonly keepMs: number;
  readonly onError: (error: unknown) => void;
}

/** Numbers that cost a question to the database: asked for when somebody looks, and seldom however many look. */
export class Snapshot<T> {
  private latest: T | undefined;
  private takenAtMs = -Infinity;
  private triedAtMs = -Infinity;
  private taking: Promise<void> | undefined;

  constructor(
    private readonly take: () => Promise<T>,
    private readonly options: SnapshotOptions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Undefined: there is none, or none fresh enough to be shown. */
  async read(): Promise<T | undefined> {
    const { everyMs, waitMs, keepMs } = this.options;
    if (!this.taking && this.now() - this.triedAtMs >= everyMs) this.begin();
    if (this.taking) await Promise.race([this.taking, delay(waitMs, undefined, { ref: false })]);
    return this.now() - this.takenAtMs < keepMs ? this.latest : undefined;
  }

  private begin(): void {
    this.triedAtMs = this.now();
    this.taking = this.take()
      .then((taken) => {
        this.latest = taken;
        this.takenAtMs = this.now();
      }, this.options.onError)
      .finally(() => (this.taking = undefined));
  }
}
