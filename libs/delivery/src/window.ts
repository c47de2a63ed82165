export interface WindowLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** What one connection was sent and has not acknowledged: bounded, so a slow reader costs bounded memory. */
export class Window {
  private messages = 0;
  private bytes = 0;

  constructor(
    private readonly limits: WindowLimits,
    private readonly outlet: { readonly bufferedBytes: number },
  ) {}

  /** Messages in flight. */
  get size(): number {
    return this.messages;
  }

  get isEmpty(): boolean {
    return this.messages === 0;
  }

  /** One message always fits into an empty window, however long it is. */
  hasRoomFor(bytes: number): boolean {
    if (this.outlet.bufferedBytes > this.limits.bytes) return false;
    if (this.messages === 0) return true;
    return this.messages < this.limits.messages && this.bytes + bytes <= this.limits.bytes;
  }

  /** A page is worth reading: half of the window is free. Smaller pages would cost a statement for each few acks. */
  get hasRoomForPage(): boolean {
    const { messages, bytes } = this.limits;
    return this.messages <= messages / 2 && this.bytes <= bytes / 2 && this.outlet.bufferedBytes <= bytes / 2;
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
