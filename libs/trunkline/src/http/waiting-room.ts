import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProtocolError } from '#protocol';
import { HTTP_DEADLINES } from './http-adapter.js';

const HEALTH = /^\/health(?:\/(live|ready|startup))?\/?(?:\?|$)/;
const DOWN = { database: { status: 'down' } };

/**
 * Answers on the port of the server while the database is out of reach and the server has not started: the process is
 * alive, it is not ready, and requests may be tried again. Its answers have the form of the health probes.
 */
export class WaitingRoom {
  private server: Server | undefined;

  /**
   * Opens the port unless it is open already.
   * @returns the port
   */
  async open(port: number, host: string): Promise<number> {
    if (!this.server) {
      this.server = createServer(HTTP_DEADLINES, answer).listen(port, host);
      await once(this.server, 'listening');
    }
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

function answer({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const [status, body] = answerTo(url);
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' });
  response.end(JSON.stringify(body));
}

function answerTo(url: string): [status: number, body: object] {
  const probe = HEALTH.exec(url);
  if (!probe)
    return [503, { ok: false, error: new ProtocolError('UNAVAILABLE', 'this instance is starting').toWire() }];
  if (probe[1] === 'live') return [200, { status: 'ok', info: {}, error: {}, details: {} }];
  return [503, { status: 'error', info: {}, error: DOWN, details: DOWN }];
}
