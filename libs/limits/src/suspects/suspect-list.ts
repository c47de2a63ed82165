import type { Database } from '#database';
import { FORGET_SUSPECTS, LIST_SUSPECTS, NOTE_SUSPECTS, type SuspectRow } from './sql/suspects.sql.js';
import type { Suspicion } from './suspicion.js';

/** The sightings of one address for one reason since the last write. Times are by performance.now(). */
export interface Sighting {
  readonly address: string;
  readonly reason: Suspicion;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

const KEEP_HOURS = 24;
const KEEP_ROWS = 10_000;

/** The position before the first row, because nothing was seen later than that. */
export const FIRST_SUSPECT = [Number.MAX_SAFE_INTEGER, '', ''] as const;

/** The table of the suspicious addresses that all instances have seen. */
export class SuspectList {
  constructor(private readonly database: Database) {}

  async add(sightings: readonly Sighting[]): Promise<void> {
    const nowMs = performance.now();
    const sorted = sightings.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    await this.database.rows('work', NOTE_SUSPECTS, [
      sorted.map(({ address }) => address),
      sorted.map(({ reason }) => reason),
      sorted.map(({ count }) => count),
      sorted.map(({ firstMs }) => nowMs - firstMs),
      sorted.map(({ lastMs }) => nowMs - lastMs),
    ]);
  }

  /**
   * Reads a page, those seen last first.
   * @param after the position of the last row of the page before, or {@link FIRST_SUSPECT}
   */
  page(after: readonly [lastUs: number, address: string, reason: string], limit: number): Promise<SuspectRow[]> {
    return this.database.rows('work', LIST_SUSPECTS, [...after, limit]);
  }

  /** Removes the suspects not seen for a day, and those beyond the most that are kept. @returns how many */
  async forget(isDryRun: boolean): Promise<number> {
    const ending = isDryRun ? 'rollback' : 'commit';
    const values = [KEEP_HOURS, KEEP_ROWS];
    const removed = await this.database.transaction((rows) => rows(FORGET_SUSPECTS, values), { pool: 'jobs', ending });
    return removed.length;
  }
}

export function keyOf({ address, reason }: Pick<Sighting, 'address' | 'reason'>): string {
  return `${address} ${reason}`;
}
