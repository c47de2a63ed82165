import type { Request } from 'express';
import type { IncomingMessage } from 'node:http';
import { Fault } from '#protocol';

interface Raw {
  readonly bytes: Buffer;
  readonly charset: string;
}

const raws = new WeakMap<IncomingMessage, Raw>();

/** As the `verify` of Express's body parser: keeps what it is about to parse. */
export function keepJson(request: IncomingMessage, _response: unknown, bytes: Buffer, charset: string): void {
  raws.set(request, { bytes, charset });
}

/** The text that the body of a request was parsed from. @throws Fault BAD_JSON: there was none */
export function jsonOf(request: Request): string {
  const raw = raws.get(request);
  if (!raw) throw new Fault('BAD_JSON', 'the request has no JSON body: Content-Type is application/json');
  try {
    return new TextDecoder(raw.charset).decode(raw.bytes);
  } catch (error) {
    throw new Fault('BAD_JSON', `the charset ${raw.charset.slice(0, 20)} is not supported: send UTF-8`, {
      cause: error,
    });
  }
}
