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
}

/**
 * A channel that connections of this instance read. While at least one of them is live the channel has a position, and
 * everything after it is pushed to all that are live. Otherwise the channel sleeps, and only its epoch is looked at.
 */
export class LiveChannel {
  private readonly readers = new Set<LiveReader>();
  private seq: number | undefined;
  private since: Date | undefined;
  private knownEpoch = 0;
  private isDirty = false;
  private isBeingRead = false;
  private emptyReads = 0;
  /** True when a hint came while no reader was live; the channel is then read as soon as one becomes live. */
  private wasHintedAsleep = false;

  constructor(readonly name: string) {}

  /** Live readers were handed everything up to this seq; undefined means that no reader is live. */
  get position(): number | undefined {
    return this.seq;
  }

  /** The count of the membership changes that the connections of an inbox's user know of. */
  get epoch(): number {
    return this.knownEpoch;
  }

  get isReading(): boolean {
    return this.isBeingRead;
  }

  /** True if a hint came after the last read began, so that the channel has to be read again for its readers. */
  get isUnread(): boolean {
    return this.isDirty && this.readers.size > 0;
  }

  /** Counts the reads since something new was found. */
  get readsInVain(): number {
    return this.emptyReads;
  }

  get readerCount(): number {
    return this.readers.size;
  }

  get request(): { channel: string; fromSeq: number; since: Date | undefined; epoch: number } {
    return { channel: this.name, fromSeq: this.seq ?? PAST_EVERYTHING, since: this.since, epoch: this.knownEpoch };
  }

  get isAsleep(): boolean {
    return this.seq === undefined;
  }

  attach(reader: LiveReader): void {
    this.readers.add(reader);
  }

  /** @returns false if it was not a reader of this channel */
  detach(reader: LiveReader): boolean {
    if (!this.readers.delete(reader)) return false;
    this.sleepIfUnread();
    return true;
  }

  /** The connections of the inbox's user know the memberships of this epoch. */
  noteEpoch(epoch: number): void {
    this.knownEpoch = epoch;
  }

  /** Somebody reads the channel from now on, until {@link endReads}. */
  beginReads(): void {
    this.isBeingRead = true;
  }

  /** One read begins, which sees everything that was hinted at before. */
  beginRead(): void {
    this.isDirty = false;
  }

  /** A read has succeeded. Whether it was in vain turns out when the channel advances. */
  noteRead(): void {
    this.emptyReads += 1;
  }

  /** Nobody reads the channel until something has to be read again. */
  endReads(): void {
    this.isBeingRead = false;
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
    if (this.seq === undefined || !first || seq <= this.seq) return true;
    if ((first.kind === 'gap' ? first.fromSeq : first.seq) > this.seq + 1) return false;
    for (const reader of this.readers) if (reader.isLive) reader.take(entries, since, nowMs);
    this.seq = seq;
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
    if (this.seq !== undefined && reader.sentSeq < this.seq) return 'behind';
    reader.goLive();
    if (this.seq !== undefined) return 'live';
    this.seq = reader.sentSeq;
    this.since = reader.since;
    const wasHinted = this.wasHintedAsleep;
    this.wasHintedAsleep = false;
    return wasHinted ? 'unread' : 'live';
  }

  sleepIfUnread(): void {
    for (const reader of this.readers) if (reader.isLive) return;
    this.seq = undefined;
    this.since = undefined;
  }
}
