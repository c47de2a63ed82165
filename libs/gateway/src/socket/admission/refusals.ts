import type { IncomingMessage } from 'node:http';
import type { Socket } from 'socket.io';
import { toProtocolError } from '#http';
import { rateLimited } from '#limits';
import { requestIdOf, type Logger, type ThrottledLog } from '#observability';
import type { ProtocolError } from '#protocol';
import type { GatewayMetrics } from '../../gateway-metrics.js';
import type { ClientAddress } from './client-address.js';
import type { NewTransports } from './new-transports.js';

export interface RefusalsOptions {
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly refusalLog: ThrottledLog;
  readonly newTransports: NewTransports;
  readonly address: ClientAddress;
}

/** The most refusals logged per second: a refused client may try again without end, and each try would be a line. */
export const REFUSALS_LOGGED_PER_S = 10;

/** Refuses CONNECTs: in Socket.IO's own protocol, or by closing the transport. */
export class Refusals {
  constructor(private readonly options: RefusalsOptions) {}

  /**
   * Refuses a client in one of two ways. After a refusal in Socket.IO's protocol a client never comes back by itself;
   * after its transport was closed it does. So a client that may come back is let in, only to be told why it has to go.
   */
  refuse(socket: Socket, error: unknown, next: (error?: Error) => void): void {
    const origin = this.originOf(socket);
    const protocolError = this.limitTokens(origin.address, toProtocolError(error));
    this.options.metrics.connectFailures.inc(protocolError.errorName);
    this.log(protocolError, error, origin);
    if (protocolError.retryable) {
      socket.data = protocolError;
      next();
    } else {
      next(Object.assign(new Error(protocolError.message), { data: protocolError.toWire() }));
      this.options.newTransports.refuseConnect(socket.conn as never);
    }
  }

  private log(protocolError: ProtocolError, error: unknown, origin: object): void {
    const { logger, refusalLog } = this.options;
    const reason = protocolError.isOfToken ? protocolError.message : undefined;
    refusalLog.line((extra) => {
      if (protocolError.errorName === 'INTERNAL') logger.error({ err: error, ...origin, ...extra }, 'handshake failed');
      else logger.info({ code: protocolError.code, reason, ...origin, ...extra }, 'handshake refused');
    });
  }

  /** Hides from an address that tries many wrong tokens that they are wrong; a right token passes all the same. */
  private limitTokens(address: string | undefined, error: ProtocolError): ProtocolError {
    if (address === undefined || !isOfWrongToken(error)) return error;
    const retryAfterMs = this.options.newTransports.refuseToken(address, performance.now());
    if (retryAfterMs === 0) return error;
    return rateLimited('too many tokens of this address were refused', retryAfterMs);
  }

  /** Returns nothing if the client was let in: its request is forgotten. It may still ask for another namespace. */
  private originOf(socket: Socket): { address?: string; requestId?: string } {
    const request = socket.request as IncomingMessage | null;
    return request === null ? {} : { address: this.options.address.of(request), requestId: requestIdOf(request) };
  }
}

/**
 * True for a wrong token, but not for one that has only expired: it was good, and after an outage many honest clients
 * show such tokens.
 */
function isOfWrongToken({ errorName, isOfToken }: ProtocolError): boolean {
  return isOfToken && errorName !== 'TOKEN_EXPIRED';
}
