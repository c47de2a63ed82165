import type { Database } from './database.js';
import type { Statement } from './statement.js';

export interface DeleteInBatchesOptions {
  /** The most rows that the statement deletes at once. */
  readonly atOnce: number;
  /** True runs the statement once and rolls it back, to tell what it would have removed. */
  readonly isDryRun: boolean;
}

/** A batch is small, so that its transaction locks little and ends soon; this many are enough for one run of a job. */
const MAX_BATCHES = 20;

/** Repeats a bounded delete until a batch is not full, at most MAX_BATCHES times. @returns how many rows were removed */
export async function deleteInBatches(
  database: Database,
  statement: Statement<never>,
  values: readonly unknown[],
  { atOnce, isDryRun }: DeleteInBatchesOptions,
): Promise<number> {
  const ending = isDryRun ? 'rollback' : 'commit';
  let removed = 0;
  for (let go = 0; go < (isDryRun ? 1 : MAX_BATCHES); go++) {
    const rows = await database.transaction((run) => run(statement, values), { ending });
    removed += rows.length;
    if (rows.length < atOnce) break;
  }
  return removed;
}
