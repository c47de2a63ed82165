export interface AnnouncedGap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  /** When the device was told of the gap. */
  readonly at: number;
}

/** Everything that one device was given of one channel, in the order in which it came. */
export class ChannelLog {
  /** The seqs that were handed to the application. */
  readonly seen = new Set<number>();
  readonly gaps: AnnouncedGap[] = [];
  /** The device is past this seq: it has the message, or was told that it is gone. */
  last: number;
  /** The server has confirmed that the device's acknowledgement up to this seq is stored. */
  confirmed = 0;

  constructor(
    /** The seq at which the device's first connection began. */
    readonly start: number,
  ) {
    this.last = start;
  }

  isGone(seq: number): boolean {
    return this.gaps.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq);
  }
}
