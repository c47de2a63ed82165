import { JsonText, type Message, type MessageRecord } from '#protocol';
import type { Controls } from './controls.js';
import type { ReadRow } from './sql/read-channels.sql.js';

/** A message ready to be handed out: encoded once per instance, whoever receives it. */
export interface StoredMessage {
  readonly seq: number;
  /** JSON of the {@link Message}. The body stands in it as it is stored, and is not parsed on its way. */
  readonly json: string;
  /** Of the body, as stored. */
  readonly bytes: number;
  readonly createdAtMs: number;
  /** By the database's clock. */
  readonly expiresAtMs: number | undefined;
  readonly controls: Controls | null;
  /** JSON text; it stands in `json`, too. */
  readonly metadata: string | null;
}

type Row = Pick<ReadRow, 'id' | 'sender' | 'type' | 'metadata' | 'created_at' | 'expires_at'>;

/** For an answer: its `data` is the text as it is stored, see {@link JsonText}. */
export function toMessage(channel: string, seq: number, body: string, row: Row): Message {
  return {
    channel,
    seq,
    id: row.id,
    sender: row.sender,
    type: row.type,
    data: new JsonText(body) as unknown as Message['data'],
    ...(row.metadata === null ? {} : { metadata: JSON.parse(row.metadata) as Record<string, string> }),
    createdAt: row.created_at.toISOString(),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.toISOString() }),
  };
}

/** The same of a message that may have ended: then without its body. */
export function toRecord(
  channel: string,
  seq: number,
  { body, gone, ...row }: Row & Pick<ReadRow, 'body' | 'gone'>,
): MessageRecord {
  if (gone === null && body !== null) return toMessage(channel, seq, body, row);
  const { data: _data, ...rest } = toMessage(channel, seq, 'null', { ...row, metadata: null });
  return { ...rest, ended: gone ?? 'expired' };
}

export interface Draft {
  readonly channel: string;
  readonly seq: number;
  readonly id: string;
  readonly sender: string | null;
  readonly type: string;
  /** JSON text, as are the metadata. */
  readonly body: string;
  readonly metadata: string | null;
  readonly controls: Controls | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
}

/** The same as {@link toMessage}, as JSON. */
export function toStored(draft: Draft): StoredMessage {
  const { seq, body, metadata, controls, createdAtMs, expiresAtMs } = draft;
  const json =
    `{"channel":${JSON.stringify(draft.channel)},"seq":${seq},"id":"${draft.id}",` +
    `"sender":${JSON.stringify(draft.sender)},"type":${JSON.stringify(draft.type)},"data":${body},` +
    (metadata === null ? '' : `"metadata":${metadata},`) +
    `"createdAt":"${toIso(createdAtMs)}"` +
    (expiresAtMs === undefined ? '}' : `,"expiresAt":"${toIso(expiresAtMs)}"}`);
  return { seq, json, bytes: body.length, createdAtMs, expiresAtMs, controls, metadata };
}

let lastMs = Number.NaN;
let lastIso = '';

/** Messages of one batch mostly share their time; formatting it costs as much as the rest of the message. */
export function toIso(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString();
  }
  return lastIso;
}
