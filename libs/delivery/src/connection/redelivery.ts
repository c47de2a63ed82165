import { backoffMs } from '#database';
import { ProtocolError } from '#protocol';
import type { Connection } from './connection.js';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import type { Subscription } from './subscription.js';

export interface RedeliveryOptions {
  readonly ackTimeoutMs: number;
  readonly maxAttempts: number;
  readonly catchUp: (subscription: Subscription) => void;
  readonly onError: (error: unknown) => void;
  readonly metrics: DeliveryMetrics;
}

const SWEEP_MS = 250;
/** Only after this time is a message recorded as sent: most are acknowledged sooner, and cost no second row. */
const NOTE_AFTER_MS = 1_000;
const RETRY = { baseMs: 500, maxMs: 30_000 };

/**
 * Redelivery looks after the connections that have something in flight or lag. It repeats what was not acknowledged in
 * time, with backoff and jitter, and closes the connection after the last attempt. The messages stay stored either way.
 */
export class Redelivery {
  private readonly busy = new Set<Connection>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: RedeliveryOptions) {}

  /** Counts the messages in flight and the connections that lag. */
  get load(): { inFlight: number; lagging: number } {
    const load = { inFlight: 0, lagging: 0 };
    for (const connection of this.busy) {
      if (connection.isClosed) continue;
      load.inFlight += connection.window.size;
      if (connection.isLagging) load.lagging += 1;
    }
    return load;
  }

  watch(connection: Connection): void {
    this.busy.add(connection);
  }

  start(): void {
    this.timer ??= setInterval(() => this.sweep(performance.now()), SWEEP_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  sweep(nowMs: number): void {
    for (const connection of this.busy) {
      if (!connection.isBusy) this.busy.delete(connection);
      else this.checkConnection(connection, nowMs);
    }
  }

  /** Contains errors, because a timer calls this: one about a single connection must not end the process. */
  private checkConnection(connection: Connection, nowMs: number): void {
    try {
      for (const subscription of connection.subscriptions.values())
        this.checkSubscription(connection, subscription, nowMs);
    } catch (error) {
      this.options.onError(error);
    }
  }

  private checkSubscription(connection: Connection, subscription: Subscription, nowMs: number): void {
    const { ackTimeoutMs } = this.options;
    if (!connection.isClosed && subscription.isOverdue(nowMs - ackTimeoutMs)) {
      this.repeat(connection, subscription, nowMs);
    }
    subscription.noteSent(nowMs - NOTE_AFTER_MS);
    if (subscription.state === 'lagging') this.options.catchUp(subscription);
  }

  private repeat(connection: Connection, subscription: Subscription, nowMs: number): void {
    const { attempt, channel } = subscription;
    const { ackTimeoutMs, maxAttempts } = this.options;
    const error = `no acknowledgement within ${ackTimeoutMs} ms, attempt ${attempt} of ${maxAttempts}`;
    if (attempt >= maxAttempts) {
      subscription.giveUp(error);
      connection.transport.close(new ProtocolError('NOT_ACKNOWLEDGING', `${channel.name}: ${error}`));
      return;
    }
    this.options.metrics.retries.inc();
    subscription.retry(error, nowMs + backoffMs(attempt, RETRY));
  }
}
