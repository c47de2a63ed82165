import type { Packet } from '#delivery';

/** A packet as Socket.IO, Engine.IO and WebSocket want it, made once for all connections that get it. */
export interface Frame {
  /** Socket.IO's text of the event. */
  readonly text: string;
  /** The whole WebSocket frame around Engine.IO's message. */
  readonly bytes: Buffer;
}

/** Engine.IO's type "message". */
const MESSAGE = '4';
/** FIN, and the opcode of a text frame; a server does not mask (RFC 6455, 5.2). */
const FIN_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

export function toFrame(packet: Packet): Frame {
  const text = `2["messages",${packet.toJson()}]`;
  return { text, bytes: textFrame(MESSAGE + text) };
}

/** One buffer, so that the socket is written to once and not for the header and the payload apart. */
function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < LENGTH_IN_16_BITS ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerLength + length);
  bytes[0] = FIN_TEXT;
  if (headerLength === 2) bytes[1] = length;
  else if (headerLength === 4) {
    bytes[1] = LENGTH_IN_16_BITS;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_IN_64_BITS;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.write(text, headerLength);
  return bytes;
}
