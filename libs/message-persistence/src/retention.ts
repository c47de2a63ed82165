import type { Database } from '#database';
import { FORGET_CLAIMS } from './sql/claim-messages.sql.js';
import { DELETE_EXPIRED, DROP_PARTITIONS, MAKE_PARTITIONS, PARTITIONED_TABLES } from './sql/retain-messages.sql.js';

export const PARTITIONS_AHEAD_DAYS = 3;
const EXPIRED_AT_ONCE = 1_000;

export interface RetentionOptions {
  readonly retentionDays: number;
  readonly dedupeHours: number;
}

/** Keeps the tables bounded: partitions made before they are needed, dropped when they are old. */
export class Retention {
  constructor(
    private readonly database: Database,
    private readonly options: RetentionOptions,
  ) {}

  /** @returns how many partitions were missing */
  async makePartitions(): Promise<number> {
    let made = 0;
    for (const table of PARTITIONED_TABLES) {
      const [row] = await this.database.rows('work', MAKE_PARTITIONS, [table, PARTITIONS_AHEAD_DAYS]);
      made += row?.made ?? 0;
    }
    return made;
  }

  /** @returns how many partitions were dropped, at most two of a table */
  async dropPartitions(): Promise<number> {
    let dropped = 0;
    for (const table of PARTITIONED_TABLES) {
      const days = table === 'publish_ids' ? Math.ceil(this.options.dedupeHours / 24) : this.options.retentionDays;
      const [row] = await this.database.rows('work', DROP_PARTITIONS, [table, days]);
      dropped += row?.dropped.length ?? 0;
    }
    return dropped;
  }

  /** @returns how many claims on messages that are gone were removed, at most 1,000 */
  async forgetClaims(): Promise<number> {
    const rows = await this.database.rows('work', FORGET_CLAIMS, [this.options.retentionDays + 1]);
    return rows.length;
  }

  /** @returns how many expired messages were removed, at most 1,000 */
  async deleteExpired(): Promise<number> {
    const rows = await this.database.rows('work', DELETE_EXPIRED, [EXPIRED_AT_ONCE]);
    return rows.length;
  }
}
