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
  /** Tables whose rows were ahead of their channels, and how many channels were raised for each. */
  readonly raised: readonly { readonly table: string; readonly channels: number }[];
  /** The number of channels that were put forward. */
  readonly putForward: number;
}

/**
 * Tells whether this role may mend sequences. A server whose role owns nothing does not need the right: its schema is
 * complete without it.
 */
export async function mayMendSequences(database: Database): Promise<boolean> {
  const [row] = await database.rows(MAY_MEND_SEQUENCES);
  return row?.may_mend === true;
}

/**
 * Brings sequences that are behind their tables to the end of these, and returns them. Logical replication leaves
 * sequences behind, because it copies only rows.
 */
export function mendSequences(database: Database): Promise<MendedSequence[]> {
  return database.rows(MEND_SEQUENCES);
}

/**
 * Makes sure that no number of a row or a channel is given out twice, after a restore or in a database that logical
 * replication made. It does no harm while instances run, or when there is nothing to mend.
 * @param forward by how much the last seqs of all channels are put forward; 0 means not at all
 */
export async function mendNumbers(database: Database, forward: number): Promise<MendedNumbers> {
  const sequences = await mendSequences(database);
  const raised = [];
  for (const { relation, seq_column, time_column } of await database.rows(NUMBERED_TABLES)) {
    const values = [relation, seq_column, time_column];
    const [row] = await withRetry(() => database.rows(RAISE_SEQS, values), { deadlineMs: DEADLINE_MS });
    if (row && row.raised > 0) raised.push({ table: relation, channels: row.raised });
  }
  return { sequences, raised, putForward: forward > 0 ? await putForward(database, forward) : 0 };
}

/** Repeats only what was surely rolled back, because a second run would put the channels twice as far. */
async function putForward(database: Database, forward: number): Promise<number> {
  const [moved] = await withRetry(() => database.rows(PUT_FORWARD, [forward]), {
    deadlineMs: DEADLINE_MS,
    isRetryable: (error) => classify(error) === 'conflict',
  });
  return moved?.channels ?? 0;
}
