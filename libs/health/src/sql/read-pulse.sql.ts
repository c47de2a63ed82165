import { statement } from '#database';

export interface PulseRow {
  /** False on a standby: after a failover the address may lead there. */
  is_writable: boolean;
  /** Share of the queue of notifications that waits for the slowest listener of the whole cluster; full, NOTIFY fails. */
  queue_usage: number;
}

/** Reads no table, so no lock on one makes the database look dead. */
export const READ_PULSE = statement<PulseRow>(
  'read_pulse',
  `select current_setting('transaction_read_only') = 'off' as is_writable, pg_notification_queue_usage() as queue_usage`,
);
