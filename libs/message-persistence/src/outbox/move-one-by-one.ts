import { setTimeout as delay } from 'node:timers/promises';
import { classify, isPassing, type Database } from '#database';
import { FIND_FIRST_DUE, PUT_ASIDE, TAKE_BACK, type DrainedRow } from './sql/outbox.sql.js';

export interface Drained {
  readonly moved: readonly DrainedRow[];
  /** Messages that failed to enter their channel. They stay in the outbox with their error and are not tried again. */
  readonly putAside: readonly { readonly id: string; readonly error: string }[];
}

const LONGEST_ERROR = 500;
const BUSY_MS = 10;

/**
 * Moves the due messages of the outbox one after the other, after all of them together have failed, and puts aside each
 * one that fails. If every one fails, those that fail for another reason than their data are not at fault: they are
 * taken back and wait until the reason is mended. So is a single due message, which holds up no other.
 * @param moveFirst moves the first due message, if there is one
 */
export async function moveOneByOne(
  database: Database,
  moveFirst: () => Promise<DrainedRow[]>,
  most: number,
): Promise<Drained> {
  const moved: DrainedRow[] = [];
  const failed: { row: number; id: string; error: unknown }[] = [];
  let hadOthers = false;
  for (let turn = 0; turn < most; turn++) {
    const [first] = await database.rows(FIND_FIRST_DUE);
    if (!first) break;
    hadOthers ||= first.has_others;
    try {
      const rows = await moveFirst();
      // Another instance is moving messages: how the rest fares tells whether those that failed are at fault.
      if (rows.length === 0) await delay(BUSY_MS);
      moved.push(...rows);
    } catch (error) {
      if (isPassing(error) && moved.length > 0) break; // the next call meets the error again if it lasts
      if (isPassing(error)) {
        await takeBack(database, moved, failed);
        throw error;
      }
      const [row] = await database.rows(PUT_ASIDE, [first.id, textOf(error)]);
      if (row) failed.push({ row: row.id, id: first.message_id, error });
    }
  }
  const others = await takeBack(database, moved, failed, hadOthers);
  if (others.length > 0) throw others[0]?.error;
  return { moved, putAside: failed.map(({ id, error }) => ({ id, error: textOf(error) })) };
}

/**
 * Takes back the failed messages whose data are not at fault, if nothing at all could be moved.
 * @param hadOthers true if more messages were due than the one that failed: another instance moves them, so it is the
 *   only one of many that fails, and stays put aside
 * @returns the messages that were taken back
 */
async function takeBack<F extends { row: number; error: unknown }>(
  database: Database,
  moved: readonly unknown[],
  failed: readonly F[],
  hadOthers = false,
): Promise<F[]> {
  const isAlone = moved.length > 0 || (failed.length === 1 && hadOthers);
  const doubtful = isAlone ? [] : failed.filter(({ error }) => classify(error) !== 'data');
  if (doubtful.length > 0) await database.rows(TAKE_BACK, [doubtful.map(({ row }) => row)]);
  return doubtful;
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_ERROR);
}
