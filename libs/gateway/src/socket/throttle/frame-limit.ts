/** The room for what stands around the longest body in a packet: ids, metadata, escapes. */
const PACKET_OVERHEAD_BYTES = 65_536;

/** Returns the length of the longest WebSocket message that is read; `ws` ends the connection on a longer one. */
export function maxFrameBytes(maxBodyBytes: number): number {
  return maxBodyBytes * 2 + PACKET_OVERHEAD_BYTES;
}
