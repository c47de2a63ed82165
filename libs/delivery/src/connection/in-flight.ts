interface Sent {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAtMs: number;
  readonly wantsReceipt: boolean;
}

/** A range of messages that follow each other without a hole and were sent in one attempt. */
export interface SeqRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** The time when the first message of the range was sent, by performance.now(). */
  readonly sentAtMs: number;
  /** True if a message of the range may ask for a receipt. */
  readonly wantsReceipts: boolean;
}

export interface Settled {
  readonly count: number;
  readonly bytes: number;
  readonly ranges: readonly SeqRange[];
}

/** Holds the unacknowledged messages of one subscription, oldest first. */
export class InFlight {
  /** The list is undefined while nothing is in flight, which is most of the time. */
  private sent: Sent[] | undefined;

  /** The time when the oldest message in flight was sent, by performance.now(); undefined if there is none. */
  get oldestAtMs(): number | undefined {
    return this.sent?.[0]?.sentAtMs;
  }

  get size(): number {
    return this.sent?.length ?? 0;
  }

  /** The ranges of messages in flight, without the gaps between them. */
  get ranges(): SeqRange[] {
    return toRanges(this.sent ?? []);
  }

  add(seq: number, bytes: number, nowMs: number, wantsReceipt = false): void {
    const message = { seq, bytes, sentAtMs: nowMs, wantsReceipt };
    if (this.sent) this.sent.push(message);
    else this.sent = [message];
  }

  /** Removes and returns the messages up to `seq`, or all of them without it. */
  settleUpTo(seq = Infinity): Settled {
    const sent = this.sent ?? [];
    const beyond = sent.findIndex((message) => message.seq > seq);
    if (beyond === -1) this.sent = undefined;
    const settled = beyond === -1 ? sent : sent.splice(0, beyond);
    const bytes = settled.reduce((sum, message) => sum + message.bytes, 0);
    return { count: settled.length, bytes, ranges: toRanges(settled) };
  }
}

function toRanges(sent: readonly Sent[]): SeqRange[] {
  const ranges: { -readonly [K in keyof SeqRange]: SeqRange[K] }[] = [];
  for (const { seq, sentAtMs, wantsReceipt } of sent) {
    const last = ranges.at(-1);
    if (last?.toSeq !== seq - 1) ranges.push({ fromSeq: seq, toSeq: seq, sentAtMs, wantsReceipts: wantsReceipt });
    else {
      last.toSeq = seq;
      last.wantsReceipts ||= wantsReceipt;
    }
  }
  return ranges;
}
