import { JsonText, type Message, type MessageRecord } from '#protocol';
import type { DeliveryOptions } from './delivery-options.js';
import type { ReadRow } from './sql/read-channels.sql.js';

/** A message that is ready to be sent: it is encoded once per instance, however many receive it. */
export interface StoredMessage {
  readonly seq: number;
  /** The JSON of the {@link Message}. The body is in it as stored, and is not parsed on its way. */
  readonly json: string;
  /** The length of the body's text as stored. */
  readonly bytes: number;
  readonly createdAtMs: number;
  /** When the message expires, by the database's clock; undefined means never. */
  readonly expiresAtMs: number | undefined;
  readonly controls: DeliveryOptions | null;
  /** JSON text, which is also part of `json`. */
  readonly metadata: string | null;
}

type Row = Pick<ReadRow, 'id' | 'sender' | 'type' | 'metadata' | 'created_at' | 'expires_at'>;

/** Makes the message that an answer contains. Its `data` is the text as stored, see {@link JsonText}. */
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

/** Makes the record of a message that may have ended; one that has ended comes without body and metadata. */
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
  /** The body is JSON text, and so are the metadata. */
  readonly body: string;
  readonly metadata: string | null;
  readonly controls: DeliveryOptions | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
}

/** Makes the message of {@link toMessage} as JSON. */
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

/**
 * Remembers the last time, because messages of one batch mostly share it and formatting it costs as much as the rest.
 */
export function toIso(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString();
  }
  return lastIso;
}
