import type { Socket } from 'node:net';

/**
 * Ends a connection with a RST. resetAndDestroy() is not used, because it sends a FIN first, after which the other side
 * may not look at the RST any more. A socket that has begun to end can only be destroyed; otherwise Node 20 would keep
 * its handle for ever, and spin when the process ends.
 */
export function resetSocket(socket: Socket): void {
  if (!socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
