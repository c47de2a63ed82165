import type { Peers } from '#connection-manager';
import type { Tracing } from '#observability';
import type { DeliveryMetrics } from './delivery-metrics.js';

export interface WakerOptions {
  readonly peers: Peers;
  /** False: nobody else to tell, or hints are switched off. */
  readonly isNeeded: () => boolean;
  readonly onError: (error: unknown) => void;
  readonly metrics: DeliveryMetrics;
  /** Undefined: tracing is off. */
  readonly tracing: Tracing | undefined;
}

/** More are not linked to one span. */
const TRACES_MAX = 65;

type TraceContext = NonNullable<ReturnType<Tracing['contextOf']>>;

/**
 * Hints to the other instances: one statement in flight, and what arrives meanwhile is the next one. A hint that is lost
 * is made up for by their polls, so a failure is reported and not repeated.
 */
export class Waker {
  private channels = new Set<string>();
  /** Of the messages behind the hints. */
  private traces: TraceContext[] = [];
  private isScheduled = false;
  private inFlight: Promise<void> | undefined;

  constructor(private readonly options: WakerOptions) {}

  add(channel: string, trace?: TraceContext): void {
    if (!this.options.isNeeded()) return;
    this.channels.add(channel);
    if (trace && this.traces.length < TRACES_MAX) this.traces.push(trace);
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

  private async wake(channels: readonly string[]): Promise<void> {
    const { peers, metrics, tracing, onError } = this.options;
    const span = tracing?.startBatch('wake', this.traces, channels.length);
    this.traces = [];
    metrics.wakes.inc();
    try {
      const sent = await peers.wake(channels);
      metrics.hintsSent.inc(sent);
      span?.end({ 'trunkline.hints': sent });
    } catch (error) {
      span?.fail('hint not sent');
      onError(error);
    }
  }

  private start(): void {
    if (this.inFlight || this.channels.size === 0) return;
    const channels = [...this.channels];
    this.channels = new Set();
    this.inFlight = this.wake(channels).finally(() => {
      this.inFlight = undefined;
      this.start();
    });
  }
}
