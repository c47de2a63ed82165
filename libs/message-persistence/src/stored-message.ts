import type { Message } from '#protocol';
import type { Controls } from './controls.js';
import type { ReadRow } from './sql/read-channels.sql.js';

/** A message ready to be handed out: parsed once per instance, whoever receives it. */
export interface StoredMessage {
  readonly message: Message;
  /** Of the body, as stored. */
  readonly bytes: number;
  /** By the database's clock. */
  readonly expiresAtMs: number | undefined;
  readonly controls: Controls | null;
}

type Row = Pick<ReadRow, 'id' | 'sender' | 'type' | 'metadata' | 'created_at' | 'expires_at'>;

export function toMessage(channel: string, seq: number, body: string, row: Row): Message {
  return {
    channel,
    seq,
    id: row.id,
    sender: row.sender,
    type: row.type,
    data: JSON.parse(body) as Message['data'],
    ...(row.metadata === null ? {} : { metadata: JSON.parse(row.metadata) as Record<string, string> }),
    createdAt: row.created_at.toISOString(),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.toISOString() }),
  };
}
