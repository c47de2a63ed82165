import type { Database } from '#database';
import type { HistoryPage, MessageRecord } from '#protocol';
import type { Recipient } from './delivery-options.js';
import { READ_HISTORY, type HistoryRow } from './sql/read-history.sql.js';
import { toMessage, toRecord } from './stored-message.js';

export interface HistoryBounds {
  /** Messages with a greater seq. */
  readonly afterSeq: number;
  /** Messages with a smaller seq; undefined means up to the end. */
  readonly beforeSeq: number | undefined;
  /** Messages of this time or later, as ISO 8601; undefined means from the beginning. */
  readonly from: string | undefined;
  /** Messages before this time, as ISO 8601; undefined means up to the end. */
  readonly to: string | undefined;
  readonly order: 'asc' | 'desc';
  /** The most messages of a page. Those not handed out count, so a page may hold fewer; it also ends at 1 MB. */
  readonly limit: number;
}

/** A page ends at this size: otherwise one of the longest messages could hold 32 MB until its reader has taken it. */
const PAGE_BYTES = 1_048_576;

export type RecordPage = Omit<HistoryPage, 'messages'> & { readonly messages: MessageRecord[] };

/** Reads a page of a channel, and where the next one begins. */
export function readHistory(
  database: Database,
  channel: string,
  bounds: HistoryBounds,
  reader?: Recipient,
): Promise<HistoryPage> {
  return readPage(database, channel, bounds, reader, toMessages);
}

/** Reads a page of a channel that also contains messages that have ended. */
export function readRecords(database: Database, channel: string, bounds: HistoryBounds): Promise<RecordPage> {
  return readPage(database, channel, bounds, undefined, toRecords);
}

async function readPage<Shown>(
  database: Database,
  channel: string,
  bounds: HistoryBounds,
  reader: Recipient | undefined,
  show: (channel: string, row: HistoryRow) => Shown[],
): Promise<Omit<HistoryPage, 'messages'> & { messages: Shown[] }> {
  const { order } = bounds;
  const page = await database.rows(READ_HISTORY[order], toValues(channel, bounds, reader));
  const isAll = page.length >= (page[0]?.found ?? 0);
  const next = isAll ? null : (page.at(-1)?.seq ?? null);
  return {
    channel,
    messages: page.flatMap((row) => show(channel, row)),
    lastSeq: page[0]?.last_seq ?? 0,
    nextAfterSeq: order === 'asc' ? next : null,
    nextBeforeSeq: order === 'desc' ? next : null,
  };
}

function toValues(channel: string, bounds: HistoryBounds, reader: Recipient | undefined): unknown[] {
  const { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, from = '-infinity', to = 'infinity', limit } = bounds;
  const own = [reader?.user, reader?.deviceId, reader?.connectionId];
  return [channel, afterSeq, beforeSeq, from, to, limit, ...own, PAGE_BYTES];
}

function toMessages(channel: string, row: HistoryRow): HistoryPage['messages'] {
  return row.seq === null || row.body === null ? [] : [toMessage(channel, row.seq, row.body, row)];
}

function toRecords(channel: string, row: HistoryRow): MessageRecord[] {
  return row.seq === null ? [] : [toRecord(channel, row.seq, row)];
}
