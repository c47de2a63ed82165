import { withRetry, type Database, type Statement } from '#database';
import { Poll } from './poll.js';
import {
  ORDER_DISCONNECT,
  ORDER_DISCONNECT_USER,
  ORDER_DRAIN,
  REMOVE_LOST_ORDERS,
  TAKE_ORDERS,
  type OrderedRow,
} from './sql/orders.sql.js';

export interface OrdersOptions {
  readonly instanceId: string;
  readonly everyMs: number;
  readonly isNotifyOn: boolean;
  /** Called to close a connection of this instance, which may be gone already. */
  readonly onDisconnect: (connectionId: string) => void;
  /** Called to end this instance as on SIGTERM. */
  readonly onDrain: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Operators may send a command to any instance through any other. A command is a row, which its instance takes out and
 * executes within `everyMs`. A hint only makes the instance look sooner.
 */
export class Orders {
  private readonly poll: Poll;

  constructor(
    private readonly database: Database,
    private readonly options: OrdersOptions,
  ) {
    this.poll = new Poll({ everyMs: options.everyMs, run: () => this.obey(), onError: options.onError });
  }

  start(): void {
    this.poll.start();
  }

  stop(): Promise<void> {
    return this.poll.stop();
  }

  /** Handles a hint that there is a command. It may be forged, so this only looks. */
  hint(): void {
    this.poll.soon();
  }

  /** Has a connection closed. @returns how many will be: 1, or 0 if there is no such connection */
  disconnect(connectionId: string): Promise<number> {
    return this.give(ORDER_DISCONNECT, connectionId);
  }

  /** Has every connection of a user closed. @returns how many there are */
  disconnectUser(user: string): Promise<number> {
    return this.give(ORDER_DISCONNECT_USER, user);
  }

  /** Has an instance drained. @returns false if there is no such instance */
  async drain(instanceId: string): Promise<boolean> {
    return (await this.give(ORDER_DRAIN, instanceId)) > 0;
  }

  private async give(order: Statement<OrderedRow>, target: string): Promise<number> {
    const values = [target, this.options.isNotifyOn];
    const [row] = await withRetry(() => this.database.rows('work', order, values), { deadlineMs: 2_000 });
    await this.database.rows('work', REMOVE_LOST_ORDERS);
    return row?.ordered ?? 0;
  }

  private async obey(): Promise<void> {
    const orders = await this.database.rows('work', TAKE_ORDERS, [this.options.instanceId]);
    for (const { kind, connection_id, is_stale } of orders) {
      if (is_stale) continue;
      if (kind === 'drain') this.options.onDrain();
      else this.options.onDisconnect(connection_id);
    }
  }
}
