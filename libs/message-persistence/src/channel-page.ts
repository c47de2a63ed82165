import type { GapReason } from '#protocol';
import { toStored, type StoredMessage } from './stored-message.js';
import type { ReadRow } from './sql/read-channels.sql.js';

export interface ReadRequest {
  readonly channel: string;
  /** The page begins behind it. */
  readonly fromSeq: number;
  /** Time of the message at fromSeq, or undefined if unknown. */
  readonly since: Date | undefined;
  /** Membership epoch known to the reader; another one makes a page even without messages. */
  readonly epoch: number;
}

/** A run of a channel's log without anything left out unsaid. */
export type Entry =
  | { readonly kind: 'message'; readonly seq: number; readonly stored: StoredMessage }
  | { readonly kind: 'gap'; readonly fromSeq: number; readonly seq: number; readonly reason: GapReason };

export interface ChannelPage {
  readonly channel: string;
  readonly entries: readonly Entry[];
  /** The position after this page. */
  readonly seq: number;
  readonly since: Date | undefined;
  readonly lastSeq: number;
  readonly epoch: number;
  /** The database's clock when it was read. */
  readonly readAtMs: number;
}

/** Turns the rows of one channel into entries that follow each other without a hole. */
export function toPage(request: ReadRequest, rows: readonly ReadRow[]): ChannelPage | undefined {
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
    // Nothing is left behind the position, though it was numbered once.
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
