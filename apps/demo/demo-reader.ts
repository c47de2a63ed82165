import type { Ack, EventPayload, Message } from '#protocol';

/** A few acks a second are enough, because they are cumulative. */
const ACK_INTERVAL_MS = 100;

export interface Application {
  readonly onMessage: (message: Message) => void;
  readonly onGap: (gap: EventPayload<'gap'>) => void;
}

/**
 * The receiving half that any client needs. After a reconnect the server repeats messages. By channel and seq the
 * reader drops those that the application was handed before, and about ten times a second it acknowledges what was
 * handed since.
 */
export class DemoReader {
  /** Counts the messages that were dropped because the application had them already. */
  repeats = 0;

  private readonly lastSeqs = new Map<string, number>();
  private pending: Ack = {};
  private timer: NodeJS.Timeout | undefined;
  private send: ((ack: Ack) => void) | undefined;

  constructor(private readonly application: Application) {}

  lastSeq(channel: string): number {
    return this.lastSeqs.get(channel) ?? 0;
  }

  /**
   * Begins a new connection. The acks of the former one are dropped, because a connection may only acknowledge what was
   * sent on it.
   */
  attach(send: (ack: Ack) => void): void {
    this.detach();
    this.send = send;
  }

  detach(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pending = {};
    this.send = undefined;
  }

  take({ messages, ack }: EventPayload<'messages'>): void {
    for (const message of messages) {
      if (message.seq <= this.lastSeq(message.channel)) this.repeats++;
      else {
        this.lastSeqs.set(message.channel, message.seq);
        this.application.onMessage(message);
      }
    }
    this.acknowledgeSoon(ack);
  }

  skip(gap: EventPayload<'gap'>): void {
    this.lastSeqs.set(gap.channel, Math.max(gap.toSeq, this.lastSeq(gap.channel)));
    this.application.onGap(gap);
    this.acknowledgeSoon(gap.ack);
  }

  /** Sends at once what is not acknowledged yet, as before leaving. */
  flush(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.send?.(this.pending);
    this.pending = {};
  }

  private acknowledgeSoon(ack: Ack): void {
    Object.assign(this.pending, ack);
    this.timer ??= setTimeout(() => this.flush(), ACK_INTERVAL_MS);
  }
}
