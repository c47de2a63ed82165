import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ProtocolError } from '#protocol';

const STATUS_BY_ERROR: Partial<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  NOT_FOUND: 404,
  PUBLISH_ID_REUSED: 409,
  BATCH_TOO_LARGE: 413,
  OVERLOADED: 429,
  RATE_LIMITED: 429,
};
const STATUS_BY_RANGE = [500, 400, 401, 403, 503, 500];
/** A client that is still sending an unread body has this long to read its answer. */
const LINGER_MS = 1_000;

export function statusOf(error: ProtocolError): number {
  return STATUS_BY_ERROR[error.errorName] ?? STATUS_BY_RANGE[Math.floor(error.code / 1_000)] ?? 500;
}

/** Answers with the error as JSON, and says in HTTP headers when to come back or how to authenticate. */
export function answerError(response: ServerResponse, error: ProtocolError): void {
  const body = JSON.stringify({ ok: false, error: error.toWire() });
  if (error.retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(error.retryAfterMs / 1_000));
  if (error.errorName === 'API_KEY_INVALID') response.setHeader('WWW-Authenticate', 'Bearer');
  response.writeHead(statusOf(error), {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/**
 * Refuses a request without reading its body. The connection is closed after the answer if a body is left unread. It is
 * also closed if a rate limit was exceeded, so that the next try costs more than a few bytes on an open connection.
 */
export function turnAway(request: IncomingMessage, response: ServerResponse, error: ProtocolError): void {
  const isUnread = hasBody(request) && !request.complete;
  if (isUnread) leaveUnread(request.socket);
  if (isUnread || error.errorName === 'RATE_LIMITED') response.setHeader('Connection', 'close');
  answerError(response, error);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * After an answer, Node either keeps reading however much a client sends, or destroys the connection at once, and then
 * the reset overtakes the answer. This connection is closed on our side only, not read any more, and destroyed a moment
 * later.
 */
function leaveUnread(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end();
    socket.pause();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}
