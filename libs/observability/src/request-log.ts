import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { cut } from './cut.js';
import type { Logger } from './logger.js';

/** What may stand in a log line and go back as a header: the ids that load balancers and back ends make. */
const SANE = /^[\w.:+/=@-]{1,100}$/;
const HEALTH = /^\/health(\/|$|\?)/;

const ids = new WeakMap<IncomingMessage, string>();

/** The id of a request: that of its X-Request-Id, if it has one that will do, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && SANE.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}

/**
 * Names the instance and the request in every answer of an HTTP server, whoever gives it (a route, a guard, Engine.IO),
 * and logs what came of it: at debug, and at error if the server failed. Neither queries nor headers nor bodies.
 */
export class RequestLog {
  constructor(
    private readonly logger: Logger,
    private readonly instanceId: string,
  ) {}

  /** Once all others listen to the server, so that this is asked before them. */
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
    // A probe that is told no has been served.
    const level = status >= 500 && !HEALTH.test(url) ? 'error' : 'debug';
    if (!this.logger.isLevelEnabled(level)) return;
    const path = cut(url.split('?', 1)[0]);
    const outcome = writableFinished ? { status } : { status, isAborted: true };
    this.logger[level]({ requestId: requestIdOf(request), method, path, ...outcome, ms: Math.round(ms) }, 'request');
  }
}
