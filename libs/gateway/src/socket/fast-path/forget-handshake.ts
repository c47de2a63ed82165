import type { Socket } from 'socket.io';
import { innerSocketOf } from './engine-internals.js';

const FORGOTTEN = Object.freeze({});
const NO_ACKS = new Map<never, never>();

/**
 * Forgets the HTTP request, its URL and headers and the token, 2 KiB that Socket.IO would keep as long as the
 * connection. It also forgets the map of callbacks for sent events, because no event is sent with one.
 */
export function forgetHandshake(socket: Socket): void {
  (socket.conn as { request: unknown }).request = null;
  (socket as { handshake: unknown }).handshake = FORGOTTEN;
  innerSocketOf(socket).acks = NO_ACKS;
}
