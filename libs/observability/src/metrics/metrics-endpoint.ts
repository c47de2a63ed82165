import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PrometheusMeter } from './prometheus-meter.js';

export const METRICS_PATH = '/metrics';

/** Answers a scrape. If a token is set, the request has to show it as `Authorization: Bearer <token>`. */
export class MetricsEndpoint {
  private readonly digest: Buffer | undefined;

  constructor(
    private readonly meter: PrometheusMeter,
    token: string | undefined,
    private readonly onError: (error: unknown) => void,
  ) {
    this.digest = token === undefined ? undefined : digestOf(token);
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405);
    if (!this.isAllowed(request.headers.authorization)) return end(response, 401);
    this.meter.scrape().then(
      (text) => {
        response.setHeader('Content-Type', this.meter.contentType);
        response.end(text);
      },
      (error: unknown) => {
        this.onError(error);
        end(response, 500);
      },
    );
  };

  private isAllowed(authorization = ''): boolean {
    if (!this.digest) return true;
    const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    return token !== undefined && timingSafeEqual(digestOf(token), this.digest);
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function end(response: ServerResponse, status: number): void {
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  response.statusCode = status;
  response.end();
}
