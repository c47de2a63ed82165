import type { Notifier } from '#connection-manager';
import type { Tracing } from '#observability';
import type { DeliveryMetrics } from '../delivery-metrics.js';

export interface ReaderWakeOptions {
  readonly notifier: Notifier;
  readonly onError: (error: unknown) => void;
  readonly metrics: DeliveryMetrics;
  /** Tracing is off if this is undefined. */
  readonly tracing: Tracing | undefined;
}

/** One span takes this many traces at most: one as its parent, the others as links. */
const TRACES_MAX = 65;

type TraceContext = NonNullable<ReturnType<Tracing['contextOf']>>;

/**
 * Sends hints to the other instances. One statement is in flight at a time, and channels added meanwhile share the next
 * one. A failure is reported and not repeated, because the polls of the other instances make up for a lost hint.
 */
export class ReaderWake {
  private channels = new Set<string>();
  /** The traces of the messages that the next hints announce. */
  private traces: TraceContext[] = [];
  private isScheduled = false;
  private sending: Promise<void> | undefined;

  constructor(private readonly options: ReaderWakeOptions) {}

  add(channel: string, trace?: TraceContext): void {
    if (!this.options.notifier.hasAudience) return;
    this.channels.add(channel);
    if (trace && this.traces.length < TRACES_MAX) this.traces.push(trace);
    if (this.isScheduled || this.sending) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.start();
    });
  }

  async drain(): Promise<void> {
    this.start();
    while (this.sending) await this.sending;
  }

  private async wake(channels: readonly string[]): Promise<void> {
    const { notifier, metrics, tracing, onError } = this.options;
    const span = tracing?.startBatch('wake', this.traces, channels.length);
    this.traces = [];
    metrics.wakes.inc();
    try {
      const sent = await notifier.wakeReaders(channels);
      metrics.hintsSent.inc(sent);
      span?.end({ 'trunkline.hints': sent });
    } catch (error) {
      span?.fail('hint not sent');
      onError(error);
    }
  }

  private start(): void {
    if (this.sending || this.channels.size === 0) return;
    const channels = [...this.channels];
    this.channels = new Set();
    this.sending = this.wake(channels).finally(() => {
      this.sending = undefined;
      this.start();
    });
  }
}
