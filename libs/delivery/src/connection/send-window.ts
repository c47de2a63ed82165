export interface SendWindowLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** The window bounds what a connection was sent and has not acknowledged, so a slow reader costs bounded memory. */
export class SendWindow {
  private messages = 0;
  private bytes = 0;

  constructor(
    private readonly limits: SendWindowLimits,
    private readonly transport: { readonly bufferedBytes: number },
  ) {}

  /** The number of messages in flight. */
  get size(): number {
    return this.messages;
  }

  get isEmpty(): boolean {
    return this.messages === 0;
  }

  /** An empty window has room for one message of any length, unless the transport still holds too much. */
  hasRoomFor(bytes: number): boolean {
    if (this.transport.bufferedBytes > this.limits.bytes) return false;
    if (this.messages === 0) return true;
    return this.messages < this.limits.messages && this.bytes + bytes <= this.limits.bytes;
  }

  /**
   * True if half of the window is free, so that a page is worth reading. Smaller pages would cost a statement for every
   * few acks.
   */
  get hasRoomForPage(): boolean {
    const { messages, bytes } = this.limits;
    return this.messages <= messages / 2 && this.bytes <= bytes / 2 && this.transport.bufferedBytes <= bytes / 2;
  }

  take(bytes: number): void {
    this.messages += 1;
    this.bytes += bytes;
  }

  release(messages: number, bytes: number): void {
    this.messages -= messages;
    this.bytes -= bytes;
  }
}
