import type { Database } from '#database';
import type { HistoryPage } from '#protocol';
import type { Recipient } from './controls.js';
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
export async function readHistory(
  database: Database,
  channel: string,
  bounds: HistoryBounds,
  reader?: Recipient,
): Promise<HistoryPage> {
  const { order, limit } = bounds;
  const rows = await database.rows('work', READ_HISTORY[order], toValues(channel, bounds, reader));
  const lastOnPage = rows.at(-1)?.seq ?? null;
  const next = rows.length === limit ? lastOnPage : null;
  return {
    channel,
    messages: rows.flatMap((row) => toMessages(channel, row)),
    lastSeq: rows[0]?.last_seq ?? 0,
    nextAfterSeq: order === 'asc' ? next : null,
    nextBeforeSeq: order === 'desc' ? next : null,
  };
}

function toValues(channel: string, bounds: HistoryBounds, reader: Recipient | undefined): unknown[] {
  const { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, from = '-infinity', to = 'infinity', limit } = bounds;
  return [channel, afterSeq, beforeSeq, from, to, limit, reader?.user, reader?.deviceId, reader?.connectionId];
}

function toMessages(channel: string, row: HistoryRow): HistoryPage['messages'] {
  return row.seq === null || row.body === null ? [] : [toMessage(channel, row.seq, row.body, row)];
}
