export interface NewMessage {
  readonly channel: string;
  readonly id: string;
  /** Whose publish ids these are: `user:<id>` or `api:<name>`. */
  readonly publisher: string;
  /** The user shown to recipients; null for a back end. */
  readonly sender: string | null;
  readonly type: string;
  /** JSON text. */
  readonly body: string;
  readonly metadata: string | null;
  /** The message's `DeliveryOptions` as JSON, or null if it has none. */
  readonly controls: string | null;
  readonly ttlMs: number | null;
  readonly publishId: string | null;
}

export interface Appended {
  readonly id: string;
  readonly seq: number;
  readonly createdAt: Date;
  /** The database's clock at that moment; `createdAt` is ahead of it in a channel that was published to while it was. */
  readonly presentMs: number;
  readonly isRepeated: boolean;
}

/** A message and the performance.now() until when it may be tried. */
export interface AppendItem {
  readonly message: NewMessage;
  readonly endsAt: number;
}
