import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Time for the last frames to leave, and for sockets to close by themselves. */
const GOODBYE_MS = 500;
/** Longer than a publish may take. A request that is not answered by then is waiting for its own client. */
const ANSWER_MS = 6_000;

/**
 * The TCP connections of an instance, WebSockets among them. A server that closes waits for all of them, and some
 * never end by themselves: a WebSocket whose cable has fallen silent (`ws` waits 30 s for the closing frame), half a
 * request, a client that goes on asking on a kept-alive connection. In a host application, which has other uses for
 * its connections, these are only WebSockets and the connections that wait for an answer.
 */
export class OpenSockets {
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.add(socket));
    server.on('upgrade', ({ socket }: IncomingMessage) => this.add(socket));
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.answering.add(socket);
      response.once('close', () => this.answering.delete(socket));
    });
  }

  /** Waits for the answers under way, up to 6 s, and ends every other connection. */
  async endAll(): Promise<void> {
    const endsAt = performance.now() + ANSWER_MS;
    do {
      await delay(GOODBYE_MS);
      for (const socket of this.sockets) if (!this.answering.has(socket)) socket.destroy();
    } while (this.answering.size > 0 && performance.now() < endsAt);
    for (const socket of this.sockets) socket.destroy();
    this.cutAnswers();
  }

  /** Ends at once the connections that wait for an answer. */
  cutAnswers(): void {
    for (const socket of this.answering) socket.destroy();
  }

  private add(socket: Socket): void {
    if (this.sockets.has(socket)) return;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
