import type { Peers } from '#connection-manager';

export interface WakerOptions {
  readonly peers: Peers;
  /** False: nobody else to tell, or hints are switched off. */
  readonly isNeeded: () => boolean;
  readonly onError: (error: unknown) => void;
}

/**
 * Hints to the other instances: one statement in flight, and what arrives meanwhile is the next one. A hint that is lost
 * is made up for by their polls, so a failure is reported and not repeated.
 */
export class Waker {
  private channels = new Set<string>();
  private isScheduled = false;
  private inFlight: Promise<void> | undefined;

  constructor(private readonly options: WakerOptions) {}

  add(channel: string): void {
    if (!this.options.isNeeded()) return;
    this.channels.add(channel);
    if (this.isScheduled || this.inFlight) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.start();
    });
  }

  async drain(): Promise<void> {
    this.start();
    while (this.inFlight) await this.inFlight;
  }

  private start(): void {
    if (this.inFlight || this.channels.size === 0) return;
    const channels = [...this.channels];
    this.channels = new Set();
    this.inFlight = this.options.peers
      .wake(channels)
      .then(() => undefined, this.options.onError)
      .finally(() => {
        this.inFlight = undefined;
        this.start();
      });
  }
}
