import type { Entry, StoredMessage } from '#message-persistence';

/** No seq is higher, so a read from here finds no messages but reports a changed epoch. */
const PAST_EVERYTHING = Number.MAX_SAFE_INTEGER;

/** One that reads a live channel for a client: a subscription. */
export interface LiveReader {
  readonly channel: LiveChannel;
  /** The channel pushes to it. While this is false it reads the table by itself, or it has ended. */
  readonly isLive: boolean;
  /** The last seq that it was sent. */
  readonly sentSeq: number;
  /** The time of the message at `sentSeq`, if it is known. */
  readonly since: Date | undefined;
  /** It has caught up with the channel, which pushes to it from now on. */
  goLive(): void;
  /** Sends on what continues its position. If it cannot take all of it, it is live no more and reads on by itself. */
  take(entries: readonly Entry[], since: Date | undefined, nowMs: number): void;
  /** It reads the channel no more. */
  close(): void;
}

/**
 * A channel that connections of this instance read. While at least one of them is live the channel has a position, and
 * everything after it is pushed to all that are live. Otherwise the channel sleeps, and only its epoch is looked at.
 */
export class LiveChannel {
  readonly readers = new Set<LiveReader>();
  /** Live readers were handed everything up to this seq; undefined means that no reader is live. */
  position: number | undefined;
  since: Date | undefined;
  epoch = 0;
  /** True when a hint came after the last read began, so that the channel has to be read again. */
  isDirty = false;
  isReading = false;
  /** Counts the reads since something new was found. */
  emptyReads = 0;
  /** True when a hint came while no reader was live; the channel is then read as soon as one becomes live. */
  private wasHintedAsleep = false;

  constructor(readonly name: string) {}

  get request(): { channel: string; fromSeq: number; since: Date | undefined; epoch: number } {
    return { channel: this.name, fromSeq: this.position ?? PAST_EVERYTHING, since: this.since, epoch: this.epoch };
  }

  get isAsleep(): boolean {
    return this.position === undefined;
  }

  noteHint(): void {
    this.isDirty = true;
    if (this.isAsleep) this.wasHintedAsleep = true;
  }

  /**
   * Moves the position past the entries and hands them to all live readers.
   * @returns false if something between the position and the entries is missing (the position was another one when they
   * were asked for)
   */
  advance(entries: readonly Entry[], seq: number, since: Date | undefined, nowMs: number): boolean {
    const [first] = entries;
    if (this.position === undefined || !first || seq <= this.position) return true;
    if ((first.kind === 'gap' ? first.fromSeq : first.seq) > this.position + 1) return false;
    for (const reader of this.readers) if (reader.isLive) reader.take(entries, since, nowMs);
    this.position = seq;
    this.since = since;
    this.emptyReads = 0;
    this.sleepIfUnread();
    return true;
  }

  /**
   * Hands a message that this instance has appended to all live readers.
   * @returns false if something between the position and the message is missing, so that the channel has to be read
   */
  offer(stored: StoredMessage, createdAt: Date, nowMs: number): boolean {
    const { seq } = stored;
    return this.advance([{ kind: 'message', seq, stored }], seq, createdAt, nowMs);
  }

  /**
   * Makes a subscription that has caught up live, unless the channel is ahead of it by now (`behind`). `unread` means
   * that it is live, and that a hint came while the channel slept, so the channel has to be read.
   */
  admit(reader: LiveReader): 'live' | 'unread' | 'behind' {
    if (this.position !== undefined && reader.sentSeq < this.position) return 'behind';
    reader.goLive();
    if (this.position !== undefined) return 'live';
    this.position = reader.sentSeq;
    this.since = reader.since;
    const wasHinted = this.wasHintedAsleep;
    this.wasHintedAsleep = false;
    return wasHinted ? 'unread' : 'live';
  }

  sleepIfUnread(): void {
    for (const reader of this.readers) if (reader.isLive) return;
    this.position = undefined;
    this.since = undefined;
  }
}
