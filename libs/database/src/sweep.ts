import type { Database } from './database.js';
import type { Statement } from './statement.js';

export interface SweepOptions {
  /** How many rows the statement takes at most. */
  readonly atOnce: number;
  /** Runs it once and rolls it back: what it would have done. */
  readonly isDryRun: boolean;
}

/** Rows removed in one go never lock much or live long; this many goes are enough for a run of a job. */
const GOES = 20;

/** Repeats a bounded delete until less than a full batch was left. @returns how many rows were removed */
export async function sweep(
  database: Database,
  statement: Statement<never>,
  values: readonly unknown[],
  { atOnce, isDryRun }: SweepOptions,
): Promise<number> {
  const ending = isDryRun ? 'rollback' : 'commit';
  let removed = 0;
  for (let go = 0; go < (isDryRun ? 1 : GOES); go++) {
    const rows = await database.transaction((run) => run(statement, values), { pool: 'jobs', ending });
    removed += rows.length;
    if (rows.length < atOnce) break;
  }
  return removed;
}
