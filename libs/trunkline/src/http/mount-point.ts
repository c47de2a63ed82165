import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerWhileAway, refuseUpgradeWhileAway } from './while-away.js';

/** The events with which Node hands a request over. */
const ARRIVALS = new Set<string | symbol>(['request', 'checkContinue', 'upgrade']);

type Arrival = [request: IncomingMessage & { originalUrl?: string }, ...rest: unknown[]];

/**
 * Gives what arrives at an HTTP server under a path to the instance of the moment, and leaves everything else as it was.
 * It takes its requests before any listener sees them, those included that are added later: a second Socket.IO or `ws`
 * server would end upgrades it does not know, and a body that somebody else has read cannot be read again.
 */
export class MountPoint {
  private target: Server | undefined;

  /** @param path begins with a slash and does not end with one; an empty path takes everything, connections included */
  constructor(
    server: Server,
    private readonly path: string,
  ) {
    const emit = emitterOf(server);
    server.emit = ((event: string | symbol, ...args: unknown[]): boolean => {
      if (ARRIVALS.has(event) && this.strip(args as Arrival)) return this.take(event, args as Arrival);
      if (event === 'connection' && path === '') this.target?.emit('connection', args[0] as Socket);
      return emit(event, ...args);
    }) as Server['emit'];
    haveEmitted(server);
  }

  /** Gives what arrives from now on to this server; to none, it is answered that the instance is away. */
  lead(target: Server | undefined): void {
    this.target = target;
  }

  /** Takes the path off the URL. @returns false if the request is for somebody else */
  private strip([request]: Arrival): boolean {
    const { url = '/' } = request;
    if (this.path === '') return true;
    const rest = url.slice(this.path.length);
    if (!url.startsWith(this.path) || !/^([/?]|$)/.test(rest)) return false;
    request.originalUrl = url; // where Express and what is built on it look for the URL that was asked for
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
    return true;
  }

  private take(event: string | symbol, args: Arrival): boolean {
    if (this.target) return emitterOf(this.target)(event, ...args);
    const [request, second] = args;
    if (event === 'upgrade') refuseUpgradeWhileAway(request, second as Socket);
    else answerWhileAway(request, second as ServerResponse);
    return true;
  }
}

/** The method `emit` without Node's list of known events. */
function emitterOf(server: Server): (event: string | symbol, ...args: unknown[]) => boolean {
  return server.emit.bind(server) as ReturnType<typeof emitterOf>;
}

/** Has Node emit events that it only emits if somebody listens, and does for others what it does if nobody listens. */
function haveEmitted(server: Server): void {
  server.on('upgrade', (_request, socket) => {
    if (server.listenerCount('upgrade') === 1) socket.destroy();
  });
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (server.listenerCount('checkContinue') > 1) return;
    response.writeContinue();
    server.emit('request', request, response);
  });
}
