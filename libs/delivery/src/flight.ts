interface Sent {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAtMs: number;
  readonly wantsReceipt: boolean;
}

/** Messages that follow each other without a hole, sent in one attempt. */
export interface Run {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** When the first of them was sent, performance.now(). */
  readonly sentAtMs: number;
  /** One of them asks for a receipt. */
  readonly wantsReceipts: boolean;
}

export interface Landed {
  readonly count: number;
  readonly bytes: number;
  readonly runs: readonly Run[];
}

/** The unacknowledged messages of one subscription, oldest first. */
export class Flight {
  /** Undefined while there is nothing in flight, which is most of the time. */
  private sent: Sent[] | undefined;

  /** When the oldest of them was sent, performance.now(). */
  get oldestAtMs(): number | undefined {
    return this.sent?.[0]?.sentAtMs;
  }

  get size(): number {
    return this.sent?.length ?? 0;
  }

  /** What is in flight, without the gaps between. */
  get runs(): Run[] {
    return toRuns(this.sent ?? []);
  }

  add(seq: number, bytes: number, nowMs: number, wantsReceipt = false): void {
    const message = { seq, bytes, sentAtMs: nowMs, wantsReceipt };
    if (this.sent) this.sent.push(message);
    else this.sent = [message];
  }

  /** Takes out everything up to `seq`; everything at all without it. */
  land(seq = Infinity): Landed {
    const sent = this.sent ?? [];
    const beyond = sent.findIndex((message) => message.seq > seq);
    if (beyond === -1) this.sent = undefined;
    const landed = beyond === -1 ? sent : sent.splice(0, beyond);
    const bytes = landed.reduce((sum, message) => sum + message.bytes, 0);
    return { count: landed.length, bytes, runs: toRuns(landed) };
  }
}

function toRuns(sent: readonly Sent[]): Run[] {
  const runs: { -readonly [K in keyof Run]: Run[K] }[] = [];
  for (const { seq, sentAtMs, wantsReceipt } of sent) {
    const last = runs.at(-1);
    if (last?.toSeq !== seq - 1) runs.push({ fromSeq: seq, toSeq: seq, sentAtMs, wantsReceipts: wantsReceipt });
    else {
      last.toSeq = seq;
      last.wantsReceipts ||= wantsReceipt;
    }
  }
  return runs;
}
