/** The rows that the database holds at the end of the run. */
export interface Snapshot {
  readonly messages: readonly StoredRow[];
  readonly channels: readonly { readonly channel: string; readonly lastSeq: number }[];
  /** Has a row for each device and each channel that it receives. */
  readonly positions: readonly PositionRow[];
}

export interface StoredRow {
  readonly channel: string;
  readonly seq: number;
  readonly id: string;
  readonly n: number;
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly expires: boolean;
}

/** Counts for a device how many messages of the channel are in which state; those with a ttl are counted apart. */
export interface PositionRow {
  readonly device: string;
  readonly channel: string;
  readonly deliveredSeq: number;
  readonly delivered: number;
  readonly pending: number;
  readonly expiring: number;
}
