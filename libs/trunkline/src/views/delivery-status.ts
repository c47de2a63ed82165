import { ViewColumn, ViewEntity } from 'typeorm';
import { NUMBER } from './number-column.js';

/** The columns of both views of deliveries. */
abstract class DeliveryColumns {
  @ViewColumn({ name: 'message_id' })
  readonly messageId!: string;

  @ViewColumn()
  readonly channel!: string;

  @ViewColumn(NUMBER)
  readonly seq!: number;

  @ViewColumn()
  readonly type!: string;

  @ViewColumn()
  readonly sender!: string | null;

  @ViewColumn({ name: 'created_at' })
  readonly createdAt!: Date;

  @ViewColumn({ name: 'expires_at' })
  readonly expiresAt!: Date | null;

  @ViewColumn({ name: 'user_id' })
  readonly userId!: string;

  /** Null while the user has no device. */
  @ViewColumn({ name: 'device_id' })
  readonly deviceId!: string | null;

  @ViewColumn()
  readonly status!: 'queued' | 'sent' | 'delivered' | 'read' | 'expired' | 'cancelled' | 'collapsed' | 'left' | 'dead';
}

/** One row for each message and device it is for. Ask it by message, or by channel and seq. */
@ViewEntity({ schema: 'trunkline', name: 'delivery_status', synchronize: false })
export class DeliveryStatus extends DeliveryColumns {}

/** The deliveries that somebody is still to receive. */
@ViewEntity({ schema: 'trunkline', name: 'undelivered', synchronize: false })
export class Undelivered extends DeliveryColumns {}
