import { ServerResponse, type IncomingMessage } from 'node:http';
import { cut, throttledWarn, type Logger, type RequestLog } from '#observability';
import { ProtocolError } from '#protocol';
import type { GatewayMetrics } from '../../gateway-metrics.js';

interface TransportGuardOptions {
  /** The origins whose pages may connect; `*` stands for all. */
  readonly corsOrigins: readonly string[];
  /** True in development: pages served by this machine may connect. */
  readonly allowsLocalhost: boolean;
  /** Says why this client gets no transport at present. Undefined means that it has one. */
  readonly shortage: (request: IncomingMessage, isUpgrade: boolean) => ProtocolError | undefined;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly requestLog: RequestLog;
}

/** The request as Engine.IO hands it to its middleware. */
export interface TransportRequest extends IncomingMessage {
  readonly _query: Readonly<Record<string, string | undefined>>;
}

/** The log line about a client of a kind that can never connect. */
type Misfit = 'origin refused' | 'Socket.IO version refused' | 'transport refused';

const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** The version of Engine.IO's protocol that Socket.IO 3 and 4 speak. */
const ENGINE_VERSION = '4';
/** How often each kind of misfit is logged at most, because such clients try again without end. */
const WARN_EVERY_MS = 60_000;

/**
 * Looks at a client before it has a transport, while HTTP can still say what is wrong. Engine.IO's own answers come too
 * late or say too little: a Socket.IO 2 client gets text into its open WebSocket, a polling one "Transport unknown".
 * Before the upgrade a load balancer still passes a client on to the next instance, and Socket.IO tries again by
 * itself, so a shortage that passes by itself is refused here as far as it is known.
 */
export class TransportGuard {
  private readonly warn: (what: string, error: unknown) => void;

  constructor(private readonly options: TransportGuardOptions) {
    this.warn = throttledWarn(options.logger, WARN_EVERY_MS);
  }

  /** Lets the client go on, or answers it in HTTP. */
  pass(request: TransportRequest, response: unknown, next: () => void): void {
    const { metrics, requestLog, shortage } = this.options;
    const isUpgrade = !(response instanceof ServerResponse);
    const misfit = this.misfit(request);
    if (misfit) this.warn(...misfit);
    const error = misfit?.[1] ?? shortage(request, isUpgrade) ?? (isUpgrade ? undefined : notAnUpgrade());
    if (!error) return next();
    metrics.connectFailures.inc(misfit ? 'misfit' : 'turned_away');
    answerInHttp(request, response, error, { ...requestLog.headers(request), ...this.corsHeaders(request) });
  }

  /** Says why this client can never connect as it is. Undefined means that it can. */
  private misfit({ headers: { origin }, _query }: TransportRequest): [Misfit, ProtocolError] | undefined {
    if (!this.isAllowed(origin)) {
      const message = `pages of ${cut(origin)} may not connect: CORS_ORIGINS does not name their origin`;
      return ['origin refused', new ProtocolError('FORBIDDEN', message)];
    }
    if (_query['EIO'] !== ENGINE_VERSION) {
      const message = `this server speaks Socket.IO 4, and the client EIO=${cut(_query['EIO'], 10)}: update the client`;
      return ['Socket.IO version refused', new ProtocolError('BAD_REQUEST', message)];
    }
    if (_query['transport'] !== 'websocket') {
      const message = `this server has no transport ${cut(_query['transport'], 20)}: connect with transports: ['websocket']`;
      return ['transport refused', new ProtocolError('BAD_REQUEST', message)];
    }
    // A WebSocket with the sid of another client would take over its connection: Engine.IO calls it an upgrade.
    if (_query['sid'] !== undefined) {
      return [
        'transport refused',
        new ProtocolError('BAD_REQUEST', 'a connection is one WebSocket: connect without sid'),
      ];
    }
    return undefined;
  }

  /** Returns the header without which a browser hides the answer from its page. */
  private corsHeaders({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !this.isAllowed(origin)) return {};
    return { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' };
  }

  /** True if pages of this origin may connect. Only browsers send an Origin; without one no foreign page is asking. */
  private isAllowed(origin: string | undefined): boolean {
    const { corsOrigins, allowsLocalhost } = this.options;
    if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
    return allowsLocalhost && LOCALHOST.test(origin);
  }
}

function notAnUpgrade(): ProtocolError {
  return new ProtocolError(
    'BAD_REQUEST',
    'a WebSocket needs the header Upgrade: a proxy on the way does not pass it on',
  );
}

const STATUS: Partial<Record<string, string>> = { 1: '400 Bad Request', 3: '403 Forbidden' };

function statusOf({ errorName, code }: ProtocolError): string {
  if (errorName === 'RATE_LIMITED') return '429 Too Many Requests';
  return STATUS[Math.floor(code / 1_000)] ?? '503 Service Unavailable';
}

/** How long after the answer a connection is ended if its client does not close it. */
const LINGER_MS = 1_000;

/** Ends a request for a transport in HTTP. For an upgrade there is no response, so its lines are written by hand. */
function answerInHttp(
  { socket }: IncomingMessage,
  response: unknown,
  error: ProtocolError,
  headers: Readonly<Record<string, string>>,
): void {
  const status = statusOf(error);
  const body = JSON.stringify({ ok: false, error: error.toWire() });
  const all = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...(error.retryable ? { 'Retry-After': String(Math.ceil((error.retryAfterMs ?? 1_000) / 1_000)) } : {}),
    ...headers,
  };
  if (response instanceof ServerResponse) response.writeHead(Number.parseInt(status), all).end(body);
  else {
    const lines = Object.entries(all).map((line) => line.join(': '));
    socket.end([`HTTP/1.1 ${status}`, ...lines, '', body].join('\r\n'));
    // Node leaves the client's half of the connection open, and nothing else closes it. Bytes that the client still
    // sends are read, because otherwise a reset would overtake the answer.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}
