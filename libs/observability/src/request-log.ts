import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { cut } from './cut.js';
import type { Logger } from './logger.js';

/** The ids that load balancers and back ends make match this; they are safe in a log line and in a header. */
const SANE = /^[\w.:+/=@-]{1,100}$/;
const HEALTH = /^\/health(\/|$|\?)/;

const ids = new WeakMap<IncomingMessage, string>();

/** Returns the id of a request: its X-Request-Id if that is a safe one, otherwise a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && SANE.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}

/**
 * Names the instance and the request in every answer of an HTTP server, whether a route, a guard or Engine.IO gives it.
 * Logs the outcome at debug, or at error if the server failed, without queries, headers or bodies.
 */
export class RequestLog {
  constructor(
    private readonly logger: Logger,
    private readonly instanceId: string,
  ) {}

  /** Call this once all other listeners are on the server, so that this one is called before them. */
  watch(server: Server): void {
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      for (const [name, value] of Object.entries(this.headers(request))) response.setHeader(name, value);
      const startedAt = performance.now();
      response.once('close', () => this.write(request, response, performance.now() - startedAt));
    });
  }

  headers(request: IncomingMessage): Record<string, string> {
    return { 'X-Instance-Id': this.instanceId, 'X-Request-Id': requestIdOf(request) };
  }

  private write(request: IncomingMessage, response: ServerResponse, ms: number): void {
    const { statusCode: status, writableFinished } = response;
    const { method, url = '' } = request;
    // A health probe that gets such an answer has been served, so it is no error.
    const level = status >= 500 && !HEALTH.test(url) ? 'error' : 'debug';
    if (!this.logger.isLevelEnabled(level)) return;
    const path = cut(url.split('?', 1)[0]);
    const outcome = writableFinished ? { status } : { status, isAborted: true };
    this.logger[level]({ requestId: requestIdOf(request), method, path, ...outcome, ms: Math.round(ms) }, 'request');
  }
}
