import { classify, withRetry, type Database } from '#database';
import { FORGET_CLAIMS } from './sql/claim-messages.sql.js';
import { FORGET_DEAD_LETTERS } from './sql/dead-letters.sql.js';
import { FORGET_MEMBERSHIPS } from './sql/join-groups.sql.js';
import {
  CLEAR_ENDED,
  DROP_PARTITION,
  HAS_UNDELIVERED,
  MAKE_PARTITIONS,
  OLD_PARTITIONS,
  PARTITIONED_TABLES,
  PARTITIONS_AHEAD,
  type PartitionedTable,
} from './sql/retain-messages.sql.js';
import { sweep } from './sweep.js';

const PARTITIONS_AHEAD_DAYS = 3;
const ROWS_AT_ONCE = 1_000;
const PARTITIONS_AT_ONCE = 10;
/** For as long as somebody reads all the time: then the next run tries. */
const DROP_DEADLINE_MS = 5_000;

export interface RetentionOptions {
  readonly retentionDays: number;
  readonly dedupeHours: number;
  /** Drops messages past retention whether they were delivered or not. */
  readonly isForced?: boolean;
}

export interface Dropped {
  readonly dropped: readonly string[];
  /** What is old enough and stays for now, and why. */
  readonly kept: readonly string[];
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
      const [row] = await this.database.rows('jobs', MAKE_PARTITIONS, [table, PARTITIONS_AHEAD_DAYS]);
      made += row?.made ?? 0;
    }
    return made;
  }

  /** Days after today for which every table has its partition; negative: not even today. */
  async partitionsAheadDays(): Promise<number> {
    const [row] = await this.database.rows('health', PARTITIONS_AHEAD, [PARTITIONED_TABLES]);
    return row?.days ?? -1;
  }

  /** Drops what is past retention, or past the dedupe window, at most ten partitions; undelivered messages stay. */
  async dropPartitions(table: PartitionedTable, isDryRun = false): Promise<Dropped> {
    const days = table === 'publish_ids' ? Math.ceil(this.options.dedupeHours / 24) : this.options.retentionDays;
    const old = await this.database.rows('jobs', OLD_PARTITIONS, [table, days]);
    const dropped: string[] = [];
    const kept: string[] = [];
    for (const { name } of old.slice(0, PARTITIONS_AT_ONCE)) {
      if (table === 'messages' && (await this.isAwaited(name))) kept.push(`${name}: undelivered messages`);
      else if (isDryRun || (await this.drop(table, name))) dropped.push(name);
      else kept.push(`${name}: in use`);
    }
    return { dropped, kept };
  }

  /** @returns how many claims on messages that are gone were removed */
  forgetClaims(isDryRun = false): Promise<number> {
    return this.sweep(FORGET_CLAIMS, [this.options.retentionDays + 1, ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many dead letters past retention, whose message is gone, were removed */
  forgetDeadLetters(isDryRun = false): Promise<number> {
    return this.sweep(FORGET_DEAD_LETTERS, [this.options.retentionDays, ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many expired or cancelled messages lost their body; what is left of them goes with their day */
  clearEnded(isDryRun = false): Promise<number> {
    return this.sweep(CLEAR_ENDED, [ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many memberships were removed that ended before every message that is still there */
  forgetMemberships(isDryRun = false): Promise<number> {
    return this.sweep(FORGET_MEMBERSHIPS, [this.options.retentionDays + 1, ROWS_AT_ONCE], isDryRun);
  }

  private sweep(statement: typeof CLEAR_ENDED, values: readonly unknown[], isDryRun: boolean): Promise<number> {
    return sweep(this.database, statement, values, { atOnce: ROWS_AT_ONCE, isDryRun });
  }

  private async isAwaited(name: string): Promise<boolean> {
    if (this.options.isForced) return false;
    const [row] = await this.database.rows('jobs', HAS_UNDELIVERED, [name]);
    return row?.is_so !== false;
  }

  /** @returns false if somebody read it for too long */
  private async drop(table: PartitionedTable, name: string): Promise<boolean> {
    try {
      await withRetry(() => this.database.rows('jobs', DROP_PARTITION, [table, name]), {
        deadlineMs: DROP_DEADLINE_MS,
      });
      return true;
    } catch (error) {
      if (classify(error) === 'conflict') return false;
      throw error;
    }
  }
}
