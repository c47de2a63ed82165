export interface RepeaterOptions {
  readonly everyMs: number;
  /** `isDue` is true if the regular time has come, and false if somebody asked for an earlier run. */
  readonly run: (isDue: boolean) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** All requests within this time become one run, which bounds what forged hints cost. */
const SOON_MS = 50;

/** Runs a task at regular times, and soon after it was asked to; one run at a time. */
export class Repeater {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private dueAt = Infinity;
  private askedAt = Infinity;
  private isStopped = true;

  constructor(private readonly options: RepeaterOptions) {}

  start(): void {
    this.isStopped = false;
    this.dueAt = performance.now() + this.options.everyMs;
    this.arm();
  }

  soon(ms = SOON_MS): void {
    this.askedAt = Math.min(this.askedAt, performance.now() + ms);
    this.arm();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private arm(): void {
    if (this.isStopped || this.running) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.round(), Math.max(0, Math.min(this.dueAt, this.askedAt) - performance.now()));
  }

  private round(): void {
    const isDue = performance.now() >= this.dueAt;
    this.askedAt = Infinity;
    this.running = this.options
      .run(isDue)
      .catch(this.options.onError)
      .finally(() => {
        this.running = undefined;
        if (isDue) this.dueAt = performance.now() + this.options.everyMs;
        this.arm();
      });
  }
}
