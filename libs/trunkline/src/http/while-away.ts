import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProtocolError } from '#protocol';

const HEADERS = { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' };
const HEALTH = /^\/health(?:\/(live|ready|startup))?\/?(?:\?|$)/;
/** The time for which a refused upgrade may still send before its connection is ended. */
const LINGER_MS = 1_000;
const DOWN = { database: { status: 'down' } };

/**
 * Answers while no instance serves, because the database is out of reach or an instance is being replaced: the process
 * is alive, it is not ready, and requests may be tried again. The answers have the form of the health probes.
 */
export function answerWhileAway({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const [status, body] = answerTo(url);
  response.writeHead(status, HEADERS);
  response.end(JSON.stringify(body));
}

/**
 * Answers a WebSocket in HTTP while no instance serves. For an upgrade Node makes no response, and none can be given to
 * the socket, because it may still have one: clients may send an upgrade right behind a request.
 */
export function refuseUpgradeWhileAway({ url = '/' }: IncomingMessage, socket: Duplex): void {
  const [status, answer] = answerTo(url);
  const body = JSON.stringify(answer);
  const headers = Object.entries({ ...HEADERS, 'Content-Length': Buffer.byteLength(body) });
  socket.on('error', () => socket.destroy());
  socket.end(
    [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers.map((line) => line.join(': ')), '', body].join('\r\n'),
  );
  // Node leaves the client's half of the connection open, and nothing else closes it.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function answerTo(url: string): [status: number, body: object] {
  const probe = HEALTH.exec(url);
  if (!probe)
    return [503, { ok: false, error: new ProtocolError('UNAVAILABLE', 'this instance is starting').toWire() }];
  if (probe[1] === 'live') return [200, { status: 'ok', info: {}, error: {}, details: {} }];
  return [503, { status: 'error', info: {}, error: DOWN, details: DOWN }];
}
