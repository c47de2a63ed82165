import { statement } from '#database';

export interface DatabaseProbeRow {
  /** False means that this is a standby, to which the address may lead after a failover. */
  is_writable: boolean;
  /**
   * The share of the notification queue that waits for the slowest listener of the whole database cluster. When the
   * queue is full, NOTIFY fails.
   */
  queue_usage: number;
}

/** This statement reads no table, because a lock on one would make the database look dead. */
export const PROBE_DATABASE = statement<DatabaseProbeRow>(
  'probe_database',
  'health',
  `select current_setting('transaction_read_only') = 'off' as is_writable, pg_notification_queue_usage() as queue_usage`,
);
