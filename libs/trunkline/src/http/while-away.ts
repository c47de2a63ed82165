import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ProtocolError } from '#protocol';

const HEALTH = /^\/health(?:\/(live|ready|startup))?\/?(?:\?|$)/;
const DOWN = { database: { status: 'down' } };

/**
 * Answers while no instance serves, because the database is out of reach or an instance is being replaced: the process
 * is alive, it is not ready, and requests may be tried again. The answers have the form of the health probes.
 */
export function answerWhileAway({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const [status, body] = answerTo(url);
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' });
  response.end(JSON.stringify(body));
}

/** Answers a WebSocket in HTTP while no instance serves. For an upgrade Node makes no response. */
export function refuseUpgradeWhileAway(request: IncomingMessage, socket: Socket): void {
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  answerWhileAway(request, response);
}

function answerTo(url: string): [status: number, body: object] {
  const probe = HEALTH.exec(url);
  if (!probe)
    return [503, { ok: false, error: new ProtocolError('UNAVAILABLE', 'this instance is starting').toWire() }];
  if (probe[1] === 'live') return [200, { status: 'ok', info: {}, error: {}, details: {} }];
  return [503, { status: 'error', info: {}, error: DOWN, details: DOWN }];
}
