import { classify, withRetry, type Database } from '#database';
import {
  MAY_MEND_SEQUENCES,
  MEND_SEQUENCES,
  NUMBERED_TABLES,
  PUT_FORWARD,
  RAISE_SEQS,
  type MendedSequence,
} from './sql/mend-numbers.sql.js';

const DEADLINE_MS = 30_000;

export interface MendedNumbers {
  readonly sequences: readonly MendedSequence[];
  /** Channels whose last number was behind the rows of a table. */
  readonly raised: readonly { readonly table: string; readonly channels: number }[];
  /** Channels that were put forward. */
  readonly putForward: number;
}

/** A server whose role owns nothing need not have the right: its schema is complete without. */
export async function mayMendSequences(database: Database): Promise<boolean> {
  const [row] = await database.rows('jobs', MAY_MEND_SEQUENCES);
  return row?.is_so === true;
}

/** Those that were behind their tables, as logical replication leaves them: it copies rows and no sequences. */
export function mendSequences(database: Database): Promise<MendedSequence[]> {
  return database.rows('jobs', MEND_SEQUENCES);
}

/**
 * Makes sure that no number is given out twice, of rows and of channels: after a restore, or on what logical replication
 * made. Harmless while instances run, and when there is nothing to mend.
 * @param forward how much further the numbers of all channels are put; 0: not at all
 */
export async function mendNumbers(database: Database, forward: number): Promise<MendedNumbers> {
  const sequences = await mendSequences(database);
  const raised = [];
  for (const { relation, seq_column, time_column } of await database.rows('jobs', NUMBERED_TABLES)) {
    const values = [relation, seq_column, time_column];
    const [row] = await withRetry(() => database.rows('jobs', RAISE_SEQS, values), { deadlineMs: DEADLINE_MS });
    if (row && row.raised > 0) raised.push({ table: relation, channels: row.raised });
  }
  return { sequences, raised, putForward: forward > 0 ? await putForward(database, forward) : 0 };
}

/** Repeats only what was surely rolled back: done twice it would go twice as far. */
async function putForward(database: Database, forward: number): Promise<number> {
  const [moved] = await withRetry(() => database.rows('jobs', PUT_FORWARD, [forward]), {
    deadlineMs: DEADLINE_MS,
    isRetryable: (error) => classify(error) === 'conflict',
  });
  return moved?.channels ?? 0;
}
