import type { Entry, Recipient } from '#message-persistence';
import type { AckBuffer } from '../acks/ack-buffer.js';
import type { DatabaseClock } from '../database-clock.js';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import type { DeliveryTraces } from '../delivery-traces.js';
import type { SendWindow } from './send-window.js';
import type { Subscription } from './subscription.js';

/** The parts of an instance's delivery that its subscriptions use; all of them share one. */
export interface SubscriptionContext {
  readonly clock: DatabaseClock;
  readonly acks: Pick<AckBuffer, 'acknowledge' | 'note' | 'saved'>;
  readonly metrics: DeliveryMetrics;
  /** Tracing is off if this is undefined. */
  readonly traces: DeliveryTraces | undefined;
}

/** The connection as its subscriptions see it. */
export interface SubscriptionHost {
  readonly key: Recipient;
  readonly window: SendWindow;
  readonly context: SubscriptionContext;
  /** The time when the client last acknowledged something new, by performance.now(). */
  readonly ackedAtMs: number;
  /** Adds an entry to what leaves at the end of this turn. */
  send(channel: string, entry: Entry): void;
  /** The subscription has fallen behind: somebody has to let it read on by itself. */
  noteLagging(subscription: Subscription): void;
}
