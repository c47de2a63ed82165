interface Sent {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAtMs: number;
  readonly wantsReceipt: boolean;
}

export interface Landed {
  readonly count: number;
  readonly bytes: number;
  /** When the first of them was sent, performance.now(). */
  readonly sentAtMs: number | undefined;
  /** One of them asks for a receipt. */
  readonly wantsReceipts: boolean;
}

/** The unacknowledged messages of one subscription, oldest first. */
export class Flight {
  private sent: Sent[] = [];

  /** When the oldest of them was sent, performance.now(). */
  get oldestAtMs(): number | undefined {
    return this.sent[0]?.sentAtMs;
  }

  get size(): number {
    return this.sent.length;
  }

  add(seq: number, bytes: number, nowMs: number, wantsReceipt = false): void {
    this.sent.push({ seq, bytes, sentAtMs: nowMs, wantsReceipt });
  }

  /** Takes out everything up to `seq`; everything at all without it. */
  land(seq = Infinity): Landed {
    const sentAtMs = this.sent[0]?.sentAtMs;
    let count = 0;
    let bytes = 0;
    let wantsReceipts = false;
    for (const message of this.sent) {
      if (message.seq > seq) break;
      count += 1;
      bytes += message.bytes;
      wantsReceipts ||= message.wantsReceipt;
    }
    this.sent.splice(0, count);
    return { count, bytes, sentAtMs, wantsReceipts };
  }
}
