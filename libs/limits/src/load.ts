/**
 * How many bytes wait, of a connection, a user or an instance. What is added to one is added to the ones above it, so a
 * user's load is that of its connections, and the instance's that of all.
 */
export class Load {
  bytes = 0;

  /** @param maxBytes its share; 0: no limit */
  constructor(
    private readonly maxBytes: number,
    private readonly above?: Load,
  ) {}

  /** @param bytes negative when they wait no more */
  add(bytes: number): void {
    this.bytes += bytes;
    this.above?.add(bytes);
  }

  /** Its own share is used up. */
  get isOver(): boolean {
    return this.maxBytes > 0 && this.bytes > this.maxBytes;
  }

  /** It is well below its share. Between this and {@link isOver} what was paused stays so. */
  get isLow(): boolean {
    return this.maxBytes === 0 || this.bytes <= this.maxBytes / 2;
  }

  /** There is room for so many bytes here and above; for half a share there is whenever nothing else waits. */
  hasRoom(bytes: number): boolean {
    const { maxBytes } = this;
    if (maxBytes > 0 && this.bytes + Math.min(bytes, maxBytes / 2) > maxBytes) return false;
    return this.above?.hasRoom(bytes) ?? true;
  }
}
