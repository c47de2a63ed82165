import type { Entry, StoredMessage } from '#message-persistence';

/** Beyond every seq: asks a read for news about the channel other than messages. */
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
 * A channel that connections of this instance read. While one of them is live it has a position, and everything behind
 * the position is pushed to all of them; else it sleeps, and only its epoch is looked at.
 */
export class LiveChannel {
  readonly readers = new Set<LiveReader>();
  /** Undefined while nobody is live. */
  position: number | undefined;
  since: Date | undefined;
  epoch = 0;
  /** Asked for again while it is read. */
  isDirty = false;
  isReading = false;
  /** Reads since something new was found. */
  emptyReads = 0;
  /** A hint came while nobody was live: whoever becomes live first has to look. */
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
   * Moves the position over the entries and hands them to everyone live.
   * @returns false if they do not continue the position (it was another one when they were asked for)
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

  /** @returns false if it does not continue the position: the channel has to be read */
  offer(stored: StoredMessage, createdAt: Date, nowMs: number): boolean {
    const { seq } = stored;
    return this.advance([{ kind: 'message', seq, stored }], seq, createdAt, nowMs);
  }

  /**
   * A subscription that has caught up becomes live, unless the channel is ahead of it by now.
   * `unread`: it is live, and the channel was hinted at while it slept, so it has to be read.
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
