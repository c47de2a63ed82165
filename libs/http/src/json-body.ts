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

/**
 * The text that the body of a request was parsed from. Only UTF-8: of other charsets the parser and this decoder could have
 * different ideas, and what is stored would not be what was looked at.
 * @throws Fault BAD_JSON: there was none, or it is not UTF-8
 */
export function jsonOf(request: Request): string {
  const raw = raws.get(request);
  if (!raw) throw new Fault('BAD_JSON', 'the request has no JSON body: Content-Type is application/json');
  if (raw.charset !== 'utf-8') {
    throw new Fault('BAD_JSON', `the charset ${raw.charset.slice(0, 20)} is not supported: send UTF-8`);
  }
  return new TextDecoder().decode(raw.bytes);
}
