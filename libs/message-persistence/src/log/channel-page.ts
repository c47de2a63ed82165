import type { GapReason } from '#protocol';
import { toStored, type StoredMessage } from './stored-message.js';
import type { ReadRow } from './sql/read-channels.sql.js';

export interface PageRequest {
  readonly channel: string;
  /** The page begins after this seq. */
  readonly fromSeq: number;
  /** The time of the message at `fromSeq`; undefined means unknown. */
  readonly since: Date | undefined;
  /** The membership epoch that the reader knows; a channel with another one gives a page even without messages. */
  readonly epoch: number;
}

/** A message, or a gap that says why a range is missing. The entries of a page account for every seq. */
export type Entry =
  | { readonly kind: 'message'; readonly seq: number; readonly stored: StoredMessage }
  | { readonly kind: 'gap'; readonly fromSeq: number; readonly seq: number; readonly reason: GapReason };

export interface ChannelPage {
  readonly channel: string;
  readonly entries: readonly Entry[];
  /** The position after this page: the last seq that it accounts for. */
  readonly seq: number;
  readonly since: Date | undefined;
  readonly lastSeq: number;
  readonly epoch: number;
  /** The database's clock when the page was read, in milliseconds since 1970. */
  readonly readAtMs: number;
}

/** Turns the rows of one channel into entries that account for every seq. Undefined means no rows: nothing is new. */
export function toPage(request: PageRequest, rows: readonly ReadRow[]): ChannelPage | undefined {
  const first = rows[0];
  if (!first) return undefined;
  const entries: Entry[] = [];
  let seq = request.fromSeq;
  for (const row of rows) {
    if (row.seq === null) continue;
    if (row.seq > seq + 1) addGap(entries, seq + 1, row.seq - 1, 'removed');
    if (row.body === null) addGap(entries, row.seq, row.seq, row.gone ?? 'expired');
    else entries.push({ kind: 'message', seq: row.seq, stored: fromRow(request.channel, row.seq, row.body, row) });
    seq = row.seq;
  }
  const last = rows.at(-1);
  if (seq === request.fromSeq && first.last_seq > seq) {
    // The seqs after the position were given out once, but none of their messages is left.
    addGap(entries, seq + 1, first.last_seq, 'removed');
    seq = first.last_seq;
  }
  return {
    channel: request.channel,
    entries,
    seq,
    since: last?.seq == null ? request.since : last.created_at,
    lastSeq: first.last_seq,
    epoch: first.epoch,
    readAtMs: first.read_at_ms,
  };
}

function fromRow(channel: string, seq: number, body: string, row: ReadRow): StoredMessage {
  const { id, sender, type, metadata, controls, created_at, expires_at } = row;
  const createdAtMs = created_at.getTime();
  const expiresAtMs = expires_at?.getTime();
  return toStored({ channel, seq, id, sender, type, body, metadata, controls, createdAtMs, expiresAtMs });
}

function addGap(entries: Entry[], fromSeq: number, seq: number, reason: GapReason): void {
  const last = entries.at(-1);
  if (last?.kind === 'gap' && last.reason === reason) entries[entries.length - 1] = { ...last, seq };
  else entries.push({ kind: 'gap', fromSeq, seq, reason });
}
