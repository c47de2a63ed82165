import type { StoredMessage } from '#message-persistence';

/**
 * A batch of messages that leaves in one `messages` event. It is the batch before it with one more message, so the
 * batches of a turn of the event loop form a tree from one root. Connections that get the same messages end at the same
 * batch, which is encoded once for all of them: in a group of 2,000, once instead of 2,000 times.
 */
export class MessageBatch {
  /** The number of messages in the batch. */
  readonly size: number;
  private next: MessageBatch | undefined;
  private encoded: unknown;

  private constructor(
    private readonly before: MessageBatch | undefined,
    private readonly channel: string,
    private readonly stored: StoredMessage | undefined,
  ) {
    this.size = before ? before.size + 1 : 0;
  }

  /** Makes an empty batch, from which the others of a turn grow. */
  static root(): MessageBatch {
    return new MessageBatch(undefined, '', undefined);
  }

  with(channel: string, stored: StoredMessage): MessageBatch {
    // One continuation is enough: the readers of a channel come one after the other, so the latest is asked for next.
    if (this.next?.stored !== stored) this.next = new MessageBatch(this, channel, stored);
    return this.next;
  }

  /** Encodes the payload of the event as JSON, `{"messages":[…],"ack":{…}}`. */
  toJson(): string {
    if (this.size === 1 && this.stored) {
      return `{"messages":[${this.stored.json}],"ack":{${JSON.stringify(this.channel)}:${this.stored.seq}}}`;
    }
    const path = MessageBatch.path(this);
    const messages = path.map(({ stored }) => stored?.json);
    const ack = new Map(path.map(({ channel, stored }) => [channel, stored?.seq]));
    const positions = Array.from(ack, ([channel, seq]) => `${JSON.stringify(channel)}:${seq}`);
    return `{"messages":[${messages.join()}],"ack":{${positions.join()}}}`;
  }

  /** Encodes the batch at the first call, and gives that result to every connection that sends it. */
  encodeOnce<T>(encode: (batch: MessageBatch) => T): T {
    this.encoded ??= encode(this);
    return this.encoded as T;
  }

  /** Lists the batches from the first message on. */
  private static path(last: MessageBatch): MessageBatch[] {
    const path: MessageBatch[] = [];
    for (let batch: MessageBatch | undefined = last; batch?.stored; batch = batch.before) path.push(batch);
    return path.reverse();
  }
}
