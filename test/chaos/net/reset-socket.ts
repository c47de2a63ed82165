import type { Socket } from 'node:net';

/**
 * Ends a connection with a RST. Not by resetAndDestroy(), which sends a FIN first, after which the other side may not
 * look at the RST any more; and a socket whose own end is under way can only be destroyed: Node 20 would else keep its
 * handle for ever, and spin when the process ends.
 */
export function resetSocket(socket: Socket): void {
  if (!socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
