import { classify, deleteInBatches, isHeld, withRetry, type Database } from '#database';
import { NO_METER, type Count, type Meter } from '#observability';
import { FORGET_CLAIMS } from '../log/sql/claim-messages.sql.js';
import { FORGET_DEAD_LETTERS } from '../recipients/sql/dead-letters.sql.js';
import { FORGET_MEMBERSHIPS } from '../recipients/sql/join-groups.sql.js';
import { FORGET_RECEIPTS } from '../recipients/sql/send-receipts.sql.js';
import {
  CLEAR_ENDED,
  DROP_PARTITION,
  HAS_UNDELIVERED,
  MAKE_PARTITION,
  MISSING_PARTITIONS,
  OLD_PARTITIONS,
  PARTITIONED_TABLES,
  PARTITIONS_AHEAD,
  type PartitionedTable,
} from './sql/retain-messages.sql.js';

const PARTITIONS_AHEAD_DAYS = 3;
const ROWS_AT_ONCE = 1_000;
const PARTITIONS_AT_ONCE = 10;
/** One run reads old days for this long, to see whether a device waits for them; the next run goes on after it. */
const LOOK_MS = 60_000;
/** A lock that readers hold all the time is tried for this long; after that the next run tries. */
const LOCK_DEADLINE_MS = 5_000;

export interface RetentionOptions {
  readonly retentionDays: number;
  readonly dedupeHours: number;
  /**
   * The days in which the service ran after which messages are dropped although a device is still to receive them. Left
   * out means never.
   */
  readonly maxDays?: number;
  /** True drops messages past retention whether they were delivered or not. */
  readonly isForced?: boolean;
  /** The milliseconds for which one run reads old days; it reads one in any case. */
  readonly lookMs?: number;
}

interface Refused {
  /** Partitions that stay as they are for now, each with the reason. */
  readonly kept: string[];
  /** Partitions that somebody has to look at, each with its error. */
  readonly failed: string[];
}

export interface Made extends Readonly<Refused> {
  readonly made: number;
}

export interface Dropped extends Readonly<Refused> {
  readonly dropped: readonly string[];
  /** The dropped partitions with messages that a device was still to receive: their readers meet a gap. */
  readonly undelivered: readonly string[];
}

/** Keeps the tables bounded: it makes partitions before they are needed and drops them when they are old. */
export class Retention {
  private readonly undelivered: Count;
  /**
   * The partition of each table at which the last run ended. The next one goes on after it, so that partitions which
   * take long to read do not hold up those behind them for ever.
   */
  private readonly endedAt = new Map<PartitionedTable, string>();

  constructor(
    private readonly database: Database,
    private readonly options: RetentionOptions,
    meter: Meter = NO_METER,
  ) {
    this.undelivered = meter.counter({
      name: 'trunkline_undelivered_days_dropped_total',
      help: 'Days of messages dropped past RETENTION_MAX_DAYS though a device was still to receive some',
    });
  }

  /**
   * Makes the partitions of the next days. One that cannot be made, as while a dump reads its table, holds up no other:
   * what is stored on its day goes to the default partition until then.
   * @param deadlineMs how long to try, in milliseconds
   */
  async makePartitions(deadlineMs = LOCK_DEADLINE_MS): Promise<Made> {
    const missing = await this.database.rows(MISSING_PARTITIONS, [PARTITIONED_TABLES, PARTITIONS_AHEAD_DAYS]);
    const endsAt = performance.now() + deadlineMs;
    const result = { made: 0, ...nothingRefused() };
    for (const { parent, day } of missing) {
      await this.alone(`${parent} of ${day}`, result, async () => {
        const make = () => this.database.rows(MAKE_PARTITION, [parent, day]);
        const [row] = await withRetry(make, { deadlineMs: endsAt - performance.now() });
        if (row?.is_made) result.made += 1;
      });
    }
    return result;
  }

  /** Returns for how many days after today every table has its partition; negative means not even for today. */
  async partitionsAheadDays(): Promise<number> {
    const [row] = await this.database.rows(PARTITIONS_AHEAD, [PARTITIONED_TABLES]);
    return row?.days ?? -1;
  }

  /**
   * Drops partitions past retention (of publish ids: past the dedupe window), at most ten, the oldest first from where
   * the last run ended. Undelivered messages stay. One that cannot be dropped, or read in time, holds up no other.
   */
  async dropPartitions(table: PartitionedTable, isDryRun = false): Promise<Dropped> {
    const days = table === 'publish_ids' ? Math.ceil(this.options.dedupeHours / 24) : this.options.retentionDays;
    const { maxDays = 0, lookMs = LOOK_MS } = this.options;
    const old = await this.database.rows(OLD_PARTITIONS, [table, days, maxDays]);
    const endsAt = performance.now() + lookMs;
    const result = { ...{ dropped: [] as string[], undelivered: [] as string[] }, ...nothingRefused() };
    for (const { name, is_overdue } of beginBehind(this.endedAt.get(table) ?? '', old)) {
      if (!isDryRun) this.endedAt.set(table, name);
      await this.alone(name, result, async () => {
        const isAwaited = table === 'messages' && (await this.isAwaited(name));
        if (isAwaited && !(maxDays > 0 && is_overdue)) result.kept.push(`${name}: undelivered messages`);
        else {
          if (!isDryRun) await this.drop(table, name);
          result.dropped.push(name);
          if (isAwaited) result.undelivered.push(name);
        }
      });
      if (result.dropped.length === PARTITIONS_AT_ONCE || performance.now() > endsAt) break;
    }
    if (!isDryRun) this.undelivered.inc(result.undelivered.length);
    return result;
  }

  /** @returns how many claims were removed whose messages had been removed before */
  forgetClaims(isDryRun = false): Promise<number> {
    return this.deleteInBatches(FORGET_CLAIMS, [this.options.retentionDays + 1, ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many dead letters past retention were removed whose message had been removed before */
  forgetDeadLetters(isDryRun = false): Promise<number> {
    return this.deleteInBatches(FORGET_DEAD_LETTERS, [this.options.retentionDays, ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many expired or cancelled messages lost their body; the rest of the row goes with its partition */
  clearEnded(isDryRun = false): Promise<number> {
    return this.deleteInBatches(CLEAR_ENDED, [ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many past memberships were removed that ended before every message that is still stored */
  forgetMemberships(isDryRun = false): Promise<number> {
    return this.deleteInBatches(FORGET_MEMBERSHIPS, [this.options.retentionDays + 1, ROWS_AT_ONCE], isDryRun);
  }

  /** @returns how many notes of what an author was told about a reader were removed, because their messages are gone */
  forgetReceipts(isDryRun = false): Promise<number> {
    return this.deleteInBatches(FORGET_RECEIPTS, [this.options.retentionDays + 1, ROWS_AT_ONCE], isDryRun);
  }

  private deleteInBatches(
    statement: typeof CLEAR_ENDED,
    values: readonly unknown[],
    isDryRun: boolean,
  ): Promise<number> {
    return deleteInBatches(this.database, statement, values, { atOnce: ROWS_AT_ONCE, isDryRun });
  }

  private async isAwaited(name: string): Promise<boolean> {
    if (this.options.isForced) return false;
    const [row] = await this.database.rows(HAS_UNDELIVERED, [name]);
    return row?.has_undelivered !== false;
  }

  private async drop(table: PartitionedTable, name: string): Promise<void> {
    await withRetry(() => this.database.rows(DROP_PARTITION, [table, name]), { deadlineMs: LOCK_DEADLINE_MS });
  }

  /** Does the work on one partition and writes down its failure. Only an outage is thrown: it ends the work on all. */
  private async alone(name: string, { kept, failed }: Refused, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const kind = classify(error);
      if (kind === 'refused' || kind === 'unknown') throw error;
      if (isHeld(error)) kept.push(`${name}: in use`);
      else failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function nothingRefused(): Refused {
  return { kept: [], failed: [] };
}

/** Reorders the rows: first those whose name comes after `ended`, then the others from the beginning. */
function beginBehind<Row extends { readonly name: string }>(ended: string, rows: readonly Row[]): Row[] {
  return [...rows.filter(({ name }) => name > ended), ...rows.filter(({ name }) => name <= ended)];
}
