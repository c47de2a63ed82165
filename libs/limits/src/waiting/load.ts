/**
 * The bytes that wait on behalf of a connection, a user or an instance. Bytes added to one load are added to the loads
 * above it as well, so the load of a user is the sum of its connections, and that of the instance the sum of all.
 */
export class Load {
  bytes = 0;

  /** @param maxBytes the share of this load; 0 means no limit */
  constructor(
    private readonly maxBytes: number,
    private readonly above?: Load,
  ) {}

  /** @param bytes how many more wait; negative if they no longer wait */
  add(bytes: number): void {
    this.bytes += bytes;
    this.above?.add(bytes);
  }

  /** True if more bytes wait than the share of this load allows, whatever the loads above it say. */
  get isOver(): boolean {
    return this.maxBytes > 0 && this.bytes > this.maxBytes;
  }

  /** True at half the share or less, or without a limit. Between this and {@link isOver}, what was paused stays so. */
  get isLow(): boolean {
    return this.maxBytes === 0 || this.bytes <= this.maxBytes / 2;
  }

  /**
   * True if so many bytes fit here and in the loads above. More than half a share counts as half of it, so while
   * nothing else waits there is room for anything.
   */
  hasRoom(bytes: number): boolean {
    const { maxBytes } = this;
    if (maxBytes > 0 && this.bytes + Math.min(bytes, maxBytes / 2) > maxBytes) return false;
    return this.above?.hasRoom(bytes) ?? true;
  }
}
