import type { MessageBatch } from '#delivery';
import { toJson } from '#protocol';

/**
 * These functions encode what goes to a client as the bytes of a WebSocket frame. A frame is made once for all
 * connections that get the same message batch, and is put together with the others of the same turn of the event loop,
 * so that each connection is written to once. The encoders of Socket.IO and Engine.IO would each handle every batch of
 * every connection by itself.
 */

/** `4` is Engine.IO's "message"; in it, `2` is Socket.IO's "event" and `3` its "ack", both of the main namespace. */
const EVENT = '42';
const ACK = '43';
/** The FIN bit and the opcode of a text frame; a server does not mask (RFC 6455, 5.2). */
const FIN_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

export function eventFrame(name: string, payload: object): Buffer {
  return textFrame(`${EVENT}["${name}",${JSON.stringify(payload)}]`);
}

export function messagesFrame(batch: MessageBatch): Buffer {
  return textFrame(`${EVENT}["messages",${batch.toJson()}]`);
}

/**
 * Answers the request that carried this id with `{"ok":true, …result}`, without copying the result. Messages in it are
 * sent as the text that is stored.
 */
export function resultFrame(id: number, result: object): Buffer {
  // Most answers have no messages, so there are no stored texts to look for.
  const json = 'messages' in result ? toJson(result) : JSON.stringify(result);
  return textFrame(`${ACK}${id}[{"ok":true${json === '{}' ? '' : ','}${json.slice(1)}]`);
}

export function errorFrame(id: number, error: object): Buffer {
  return textFrame(`${ACK}${id}[${JSON.stringify({ ok: false, error })}]`);
}

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
