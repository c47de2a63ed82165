import type { Request, RequestHandler, Response } from 'express';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { countLimited, networkOf, rateLimited, TokenBuckets, type Suspects } from '#limits';
import { requestIdOf, type Counts, type Logger, type Meter } from '#observability';
import { ProtocolError, type ErrorName } from '#protocol';
import { setCaller, type Caller } from './caller.js';
import { hasBody, turnAway } from '../errors/answer-error.js';
import { countErrors } from '../errors/count-errors.js';
import { toProtocolError } from '../errors/to-protocol-error.js';
import { bodyError, readJson } from '../json-body.js';
import { KeyRates, type Exceeded } from './key-rates.js';

/** A set of paths whose callers show a key. */
export interface Area {
  /** The expression matches whole paths, in upper and lower case, as the router does. */
  readonly path: RegExp;
  /** Returns the caller that a secret belongs to; undefined means that it belongs to nobody here. */
  readonly find: (secret: string) => Caller | undefined;
  /** True means that callers without a key are let in as well, and are told less. */
  readonly isOpen?: boolean;
}

export interface DoorkeeperOptions {
  readonly areas: readonly Area[];
  /** Finds the address of the client, also behind trusted proxies. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly suspects: Pick<Suspects, 'note' | 'refusedForMs'>;
  /** In this rate and the two below, 0 means that there is no limit. */
  readonly keyRequestsPerS: number;
  readonly keyBytesPerS: number;
  readonly strangerRequestsPerS: number;
  /** Returns how many bytes the body of a request may have. */
  readonly maxBytesOf: (request: Request) => number;
  /** Called when a connection has shown a valid key. */
  readonly onKnown: (socket: Socket) => void;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** Health probes are not counted, because an orchestrator sends them as often as it likes. */
const PROBES = /^\/health(\/|$)/i;
const STRANGER_BURST_S = 4;
const SWEEP_EVERY_MS = 60_000;
/** A longer secret belongs to nobody and is not even hashed. */
const LONGEST_SECRET = 300;

/**
 * Every HTTP request meets the doorkeeper first. It finds out who asks before any of the body is read, counts what each
 * key, and each address without a key, asks for, and refuses in few steps. Without a valid key all paths of an area
 * look the same. A valid key passes whatever its address has done, because many clients may share an address.
 */
export class Doorkeeper {
  private readonly keys: KeyRates;
  private readonly strangers: TokenBuckets;
  private readonly limited: Counts<string>;
  private readonly errors: Counts<ErrorName>;

  constructor(private readonly options: DoorkeeperOptions) {
    const { keyRequestsPerS: requestsPerS, keyBytesPerS: bytesPerS, strangerRequestsPerS: perS, meter } = options;
    this.keys = new KeyRates({ requestsPerS, bytesPerS });
    this.strangers = new TokenBuckets({ perS, burst: perS * STRANGER_BURST_S });
    this.limited = countLimited(meter);
    this.errors = countErrors(meter);
  }

  /**
   * Treats `Expect: 100-continue` as any request, because Node would ask for the body at once. Every minute it forgets
   * keys and addresses that have been idle.
   */
  watch(server: Server): void {
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      server.emit('request', request, response),
    );
    const timer = setInterval(() => this.sweep(performance.now()), SWEEP_EVERY_MS).unref();
    server.once('close', () => clearInterval(timer));
  }

  readonly handle: RequestHandler = (request, response, next) => {
    const area = this.options.areas.find(({ path }) => path.test(request.path));
    const shown = area && shownIn(request);
    if (!area || (area.isOpen && shown === undefined)) return this.passStranger(request, response, next);
    const caller = shown === undefined ? undefined : area.find(shown);
    if (caller) return void this.passCaller(request, response, caller).then((isIn) => isIn && next());
    void this.refuseKey(request, shown !== undefined).then((error) => {
      if (error.errorName === 'API_KEY_INVALID' && area.isOpen) this.passStranger(request, response, next);
      else this.turnAway(request, response, error);
    });
  };

  private sweep(nowMs: number): void {
    this.strangers.sweep(nowMs);
    this.keys.sweep(nowMs);
  }

  /** Refuses every body, because nothing that is open without a key takes one. */
  private passStranger(request: Request, response: Response, next: () => void): void {
    const tooMany = PROBES.test(request.path) ? undefined : this.countStranger(request);
    const error = tooMany ?? (hasBody(request) ? new ProtocolError('NOT_FOUND', 'no such route') : undefined);
    if (error) this.turnAway(request, response, error);
    else next();
  }

  private countStranger(request: Request): ProtocolError | undefined {
    const address = this.options.addressOf(request);
    const waitMs = this.strangers.take(networkOf(address), 1, performance.now());
    if (waitMs === 0) return undefined;
    this.limited.inc('address-requests');
    this.options.suspects.note(address, 'flood');
    return rateLimited('too many requests without a key from this address', waitMs);
  }

  /** Returns why a request without a valid key is refused: it has none, or too much came or failed from its address. */
  private async refuseKey(request: Request, isShown: boolean): Promise<ProtocolError> {
    const { addressOf, suspects } = this.options;
    const address = addressOf(request);
    if (isShown) suspects.note(address, 'wrong-key');
    const outForMs = await suspects.refusedForMs(address);
    if (outForMs === 0) return this.countStranger(request) ?? noKey();
    this.limited.inc('wrong-keys');
    return rateLimited('too much has failed from this address lately', outForMs);
  }

  /** @returns true if the request may go on; false means that it was answered */
  private async passCaller(request: Request, response: Response, caller: Caller): Promise<boolean> {
    setCaller(request, caller);
    this.options.onKnown(request.socket);
    const key = `${caller.kind} ${caller.name}`;
    try {
      this.check(this.keys.takeRequest(key, response));
      if (hasBody(request)) await this.takeBody(request, response, key);
      return true;
    } catch (error) {
      this.turnAway(request, response, toProtocolError(error));
      return false;
    }
  }

  private async takeBody(request: Request, response: Response, key: string): Promise<void> {
    const maxBytes = this.options.maxBytesOf(request);
    const error = bodyError(request, maxBytes);
    if (error) throw error;
    const length = request.headers['content-length'];
    if (length !== undefined) this.check(this.keys.takeBytes(key, Number(length), response));
    if (/100-continue/i.test(request.headers.expect ?? '')) response.writeContinue();
    const bytes = await readJson(request, maxBytes);
    // The size of a body without Content-Length is known only now.
    if (length === undefined) this.check(this.keys.takeBytes(key, bytes, response));
  }

  private check(exceeded: Exceeded | undefined): void {
    if (!exceeded) return;
    // The holder of a valid key is no suspect but a back end with much to do.
    this.limited.inc(exceeded.limit);
    throw exceeded.error;
  }

  private turnAway(request: Request, response: Response, error: ProtocolError): void {
    this.errors.inc(error.errorName);
    const requestId = requestIdOf(request);
    if (error.errorName === 'INTERNAL') this.options.logger.error({ err: error.cause, requestId }, 'request failed');
    else this.options.logger.debug({ code: error.code, requestId }, 'request refused');
    if (!response.headersSent && !response.destroyed) turnAway(request, response, error);
  }
}

/** Returns the secret that was shown: an empty one if it cannot be a key, undefined if none was shown. */
function shownIn({ headers: { authorization, 'x-api-key': apiKey } }: Request): string | undefined {
  if (authorization === undefined && apiKey === undefined) return undefined;
  const secret = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? [apiKey].flat()[0] ?? '';
  return secret.length <= LONGEST_SECRET ? secret : '';
}

function noKey(): ProtocolError {
  return new ProtocolError('API_KEY_INVALID', 'needs Authorization: Bearer <key>');
}
