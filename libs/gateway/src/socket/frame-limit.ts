/** Room for the packet around the longest body: ids, metadata, escapes. */
const PACKET_OVERHEAD_BYTES = 65_536;

/** The longest WebSocket message that is read; `ws` ends the connection of whoever sends a longer one. */
export function maxFrameBytes(maxBodyBytes: number): number {
  return maxBodyBytes * 2 + PACKET_OVERHEAD_BYTES;
}
