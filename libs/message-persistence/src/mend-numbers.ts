import type { Database } from '#database';
import {
  MAY_MEND_SEQUENCES,
  MEND_SEQUENCES,
  NUMBERED_TABLES,
  PUT_FORWARD,
  RAISE_SEQS,
  type MendedSequence,
} from './sql/mend-numbers.sql.js';

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
    const [row] = await database.rows('jobs', RAISE_SEQS, [relation, seq_column, time_column]);
    if (row && row.raised > 0) raised.push({ table: relation, channels: row.raised });
  }
  const [moved] = forward > 0 ? await database.rows('jobs', PUT_FORWARD, [forward]) : [];
  return { sequences, raised, putForward: moved?.channels ?? 0 };
}
