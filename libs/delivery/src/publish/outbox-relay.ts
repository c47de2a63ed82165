import type { Drained, Outbox } from '#message-persistence';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import type { Feed } from '../live/feed.js';
import type { ReaderWake } from './reader-wake.js';

export interface OutboxRelayOptions {
  readonly outbox: Outbox;
  readonly feed: Feed;
  readonly readerWake: ReaderWake;
  readonly metrics: DeliveryMetrics;
  /** Milliseconds between two looks at the outbox while nothing in it is due. */
  readonly pollMs: number;
  readonly onError: (error: unknown) => void;
  /** Called for a message that could not enter its channel and was put aside; the error names its id. */
  readonly onPutAside: (error: Error) => void;
}

/**
 * The relay moves due messages from the outbox into their channels. Every instance looks for them, but only one at a
 * time moves them. A look at an empty outbox is one probe of an index and writes nothing.
 */
export class OutboxRelay {
  private timer: NodeJS.Timeout | undefined;
  private relaying: Promise<void> | undefined;
  private isStopped = true;

  constructor(private readonly options: OutboxRelayOptions) {}

  start(): void {
    this.isStopped = false;
    this.schedule();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.relaying;
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.relaying = this.relay().finally(() => this.schedule());
    }, this.options.pollMs);
  }

  private async relay(): Promise<void> {
    const { outbox, onError } = this.options;
    try {
      while (this.announce(await outbox.drain()) > 0 && !this.isStopped);
    } catch (error) {
      onError(error);
    }
  }

  /** Announces the messages that were moved and reports those put aside. @returns how many there are of both */
  private announce({ moved, putAside }: Drained): number {
    const { feed, readerWake, metrics, onPutAside } = this.options;
    for (const { id, error } of putAside) onPutAside(new Error(`${id}: ${error}`));
    if (moved.length > 0) {
      metrics.outbox.inc(moved.length);
      const channels = new Set(moved.map(({ channel }) => channel));
      for (const channel of channels) readerWake.add(channel);
      feed.hint([...channels]);
    }
    return moved.length + putAside.length;
  }
}
