import type { Notifier } from '#connection-manager';
import type { Feed } from './feed.js';

export interface FallbackPollOptions {
  readonly feed: Feed;
  readonly pollMs: number;
  readonly notifier: Notifier;
  readonly onError: (error: unknown) => void;
}

/** If a poll is the first to find a message that is older than this, no hint has announced it. */
const LATE_MS = 300;
const FAST_MS = 250;
const FAST_FOR_MS = 10_000;

/** Polls all live channels, because a hint may be lost: rarely while hints arrive, often while they do not. */
export class FallbackPoll {
  private timer: NodeJS.Timeout | undefined;
  private fastUntilMs = 0;
  private isStopped = true;
  private isFast = false;
  private polling: Promise<void> | undefined;

  constructor(private readonly options: FallbackPollOptions) {}

  start(): void {
    this.isStopped = false;
    this.schedule();
  }

  /** Makes the next poll come early, because no hint will come for a while. */
  hurry(): void {
    if (this.isStopped || this.isFast || this.polling) return;
    clearTimeout(this.timer);
    this.schedule();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.polling;
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.isFast = this.options.notifier.state === 'lost' || performance.now() < this.fastUntilMs;
    const waitMs = this.isFast ? Math.min(FAST_MS, this.options.pollMs) : this.options.pollMs;
    this.timer = setTimeout(() => {
      this.polling = this.poll().finally(() => {
        this.polling = undefined;
        this.schedule();
      });
    }, waitMs);
  }

  private async poll(): Promise<void> {
    try {
      const late = await this.options.feed.poll(LATE_MS);
      if (late > 0) this.fastUntilMs = performance.now() + FAST_FOR_MS;
    } catch (error) {
      this.fastUntilMs = performance.now() + FAST_FOR_MS;
      this.options.onError(error);
    }
  }
}
