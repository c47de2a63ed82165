import type { Database } from '#database';
import type { HistoryPage } from '#protocol';
import { READ_HISTORY, type HistoryRow } from './sql/read-history.sql.js';
import { toMessage } from './stored-message.js';

export interface HistoryBounds {
  /** Exclusive. */
  readonly afterSeq: number;
  /** Exclusive; undefined: to the end. */
  readonly beforeSeq: number | undefined;
  /** Inclusive, ISO 8601. */
  readonly from: string | undefined;
  /** Exclusive, ISO 8601. */
  readonly to: string | undefined;
  readonly order: 'asc' | 'desc';
  /** Messages at most; what is gone counts, so a page may hold fewer. */
  readonly limit: number;
}

/** A page of a channel, and where the next one begins. */
export async function readHistory(database: Database, channel: string, bounds: HistoryBounds): Promise<HistoryPage> {
  const { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, from = '-infinity', to = 'infinity', order, limit } = bounds;
  const rows = await database.rows('work', READ_HISTORY[order], [channel, afterSeq, beforeSeq, from, to, limit + 1]);
  // One row more than fits tells whether there is a next page.
  const page = rows.slice(0, limit);
  const next = rows.length > limit ? (page.at(-1)?.seq ?? null) : null;
  return {
    channel,
    messages: page.flatMap((row) => toMessages(channel, row)),
    lastSeq: rows[0]?.last_seq ?? 0,
    nextAfterSeq: order === 'asc' ? next : null,
    nextBeforeSeq: order === 'desc' ? next : null,
  };
}

function toMessages(channel: string, row: HistoryRow): HistoryPage['messages'] {
  return row.seq === null || row.body === null ? [] : [toMessage(channel, row.seq, row.body, row)];
}
