import type { StoredMessage } from '#message-persistence';

/**
 * What leaves in one `messages` event: a message behind the packet before it. The packets of a turn of the event loop
 * form a tree from one root, so connections that get the same messages end at the same packet, which is encoded once
 * for all of them: in a group of 2,000, once instead of 2,000 times.
 */
export class Packet {
  /** How many messages it holds. */
  readonly size: number;
  private next: Packet | undefined;
  private encoded: unknown;

  private constructor(
    private readonly before: Packet | undefined,
    private readonly channel: string,
    private readonly stored: StoredMessage | undefined,
  ) {
    this.size = before ? before.size + 1 : 0;
  }

  /** Without messages: where a turn begins. */
  static root(): Packet {
    return new Packet(undefined, '', undefined);
  }

  with(channel: string, stored: StoredMessage): Packet {
    // Readers of one channel come one after the other, so the latest is the one that is asked for.
    if (this.next?.stored !== stored) this.next = new Packet(this, channel, stored);
    return this.next;
  }

  /** JSON of the event's payload, `{"messages":[…],"ack":{…}}`. */
  toJson(): string {
    if (this.size === 1 && this.stored) {
      return `{"messages":[${this.stored.json}],"ack":{${JSON.stringify(this.channel)}:${this.stored.seq}}}`;
    }
    const path = Packet.path(this);
    const messages = path.map(({ stored }) => stored?.json);
    const ack = new Map(path.map(({ channel, stored }) => [channel, stored?.seq]));
    const positions = Array.from(ack, ([channel, seq]) => `${JSON.stringify(channel)}:${seq}`);
    return `{"messages":[${messages.join()}],"ack":{${positions.join()}}}`;
  }

  /** What the edge makes of it, made once. */
  encodeOnce<T>(encode: (packet: Packet) => T): T {
    this.encoded ??= encode(this);
    return this.encoded as T;
  }

  /** Oldest first. */
  private static path(last: Packet): Packet[] {
    const path: Packet[] = [];
    for (let packet: Packet | undefined = last; packet?.stored; packet = packet.before) path.push(packet);
    return path.reverse();
  }
}
