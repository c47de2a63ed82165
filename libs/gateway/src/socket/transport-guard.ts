import { ServerResponse, type IncomingMessage } from 'node:http';
import { cut } from '#observability';
import { Fault } from '#protocol';

export interface TransportGuardOptions {
  /** `*` stands for all. */
  readonly corsOrigins: readonly string[];
  /** Pages served by this machine may connect: development. */
  readonly allowsLocalhost: boolean;
}

/** As Engine.IO hands it to its middleware. */
export interface TransportRequest extends IncomingMessage {
  readonly _query: Readonly<Record<string, string | undefined>>;
}

/** What the log says when a client is of a kind that can never connect. */
export type Misfit = 'origin refused' | 'Socket.IO version refused' | 'transport refused';

const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** Engine.IO's protocol of Socket.IO 3 and 4. */
const ENGINE_VERSION = '4';

/**
 * Looks at a client before it has a transport, while HTTP can still say what is wrong. Engine.IO's own answers come too
 * late or say too little: a Socket.IO 2 client gets text into its open WebSocket, a polling one "Transport unknown".
 */
export class TransportGuard {
  constructor(private readonly options: TransportGuardOptions) {}

  /** Why this client can never connect as it is, or undefined. */
  misfit({ headers: { origin }, _query }: TransportRequest): [Misfit, Fault] | undefined {
    if (!this.isAllowed(origin)) {
      const message = `pages of ${cut(origin)} may not connect: CORS_ORIGINS does not name their origin`;
      return ['origin refused', new Fault('FORBIDDEN', message)];
    }
    if (_query['EIO'] !== ENGINE_VERSION) {
      const message = `this server speaks Socket.IO 4, and the client EIO=${cut(_query['EIO'], 10)}: update the client`;
      return ['Socket.IO version refused', new Fault('BAD_REQUEST', message)];
    }
    if (_query['transport'] !== 'websocket') {
      const message = `this server has no transport ${cut(_query['transport'], 20)}: connect with transports: ['websocket']`;
      return ['transport refused', new Fault('BAD_REQUEST', message)];
    }
    return undefined;
  }

  /** Without this header a browser hides the answer from its page. */
  corsHeaders({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !this.isAllowed(origin)) return {};
    return { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' };
  }

  /** Only browsers send an Origin; what has none is no page of somebody else's. */
  private isAllowed(origin: string | undefined): boolean {
    const { corsOrigins, allowsLocalhost } = this.options;
    if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
    return allowsLocalhost && LOCALHOST.test(origin);
  }
}

const STATUS: Partial<Record<string, string>> = { 1: '400 Bad Request', 3: '403 Forbidden' };

/** Ends a request for a transport in HTTP. For an upgrade there is no response, so its lines are written by hand. */
export function answerInHttp(
  { socket }: IncomingMessage,
  response: unknown,
  fault: Fault,
  headers: Readonly<Record<string, string>>,
): void {
  const status = STATUS[Math.floor(fault.code / 1_000)] ?? '503 Service Unavailable';
  const body = JSON.stringify({ ok: false, error: fault.toWire() });
  const all = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...(fault.retryable ? { 'Retry-After': String(Math.ceil((fault.retryAfterMs ?? 1_000) / 1_000)) } : {}),
    ...headers,
  };
  if (response instanceof ServerResponse) response.writeHead(Number.parseInt(status), all).end(body);
  else {
    const lines = Object.entries(all).map((line) => line.join(': '));
    socket.end([`HTTP/1.1 ${status}`, ...lines, '', body].join('\r\n'));
  }
}
