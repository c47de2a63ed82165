export interface AnnouncedGap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  /** When the device heard of it. */
  readonly at: number;
}

/** What one device was given of one channel, in the order it came. */
export class ChannelLog {
  /** Seqs handed to the application. */
  readonly seen = new Set<number>();
  readonly gaps: AnnouncedGap[] = [];
  /** The device is past this seq: it has it, or was told that it is gone. */
  last: number;
  /** The server confirmed that the device's acknowledgement up to here is stored. */
  confirmed = 0;

  constructor(
    /** Where the device's first connection began. */
    readonly start: number,
  ) {
    this.last = start;
  }

  isGone(seq: number): boolean {
    return this.gaps.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq);
  }
}
