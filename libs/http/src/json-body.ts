import type { Request } from 'express';
import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '#protocol';

const texts = new WeakMap<IncomingMessage, string>();

/**
 * Parses the body of a request into `request.body` and keeps its text, because messages are stored as they came. Only
 * UTF-8 is read: two decoders could read another charset differently, and the stored text would not be the one that was
 * checked.
 * @returns how many bytes the body had
 * @throws ProtocolError BODY_TOO_LARGE as soon as too much has come, with the rest left unread; BAD_JSON
 */
export async function readJson(request: Request, maxBytes: number): Promise<number> {
  const bytes = await readBytes(request, maxBytes);
  const text = new TextDecoder().decode(bytes);
  try {
    request.body = JSON.parse(text) as unknown;
  } catch (error) {
    throw new ProtocolError('BAD_JSON', 'the body is not JSON', { cause: error });
  }
  texts.set(request, text);
  return bytes.length;
}

/**
 * Returns the text that the body of a request was parsed from.
 * @throws ProtocolError BAD_JSON if there was no body
 */
export function jsonOf(request: Request): string {
  const text = texts.get(request);
  if (text === undefined) throw noJson();
  return text;
}

/** Returns why a body is refused because of its headers; undefined means that it may be read. */
export function bodyError({ headers }: IncomingMessage, maxBytes: number): ProtocolError | undefined {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
  if (encoding !== 'identity') {
    return new ProtocolError('BAD_REQUEST', 'compressed bodies are not taken: send it without Content-Encoding');
  }
  if (!/^application\/json\s*(;|$)/i.test(type)) return noJson();
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type)?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) {
    return new ProtocolError('BAD_JSON', `the charset ${charset.slice(0, 20)} is not supported: send UTF-8`);
  }
  return Number(headers['content-length'] ?? 0) > maxBytes ? tooLong(maxBytes) : undefined;
}

function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        request.removeAllListeners('data').pause();
        reject(tooLong(maxBytes));
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks, size)));
    const endEarly = (): void => reject(new ProtocolError('BAD_JSON', 'the body ends too early'));
    request.once('error', endEarly).once('close', endEarly);
  });
}

function noJson(): ProtocolError {
  return new ProtocolError('BAD_JSON', 'the request has no JSON body: Content-Type is application/json');
}

function tooLong(maxBytes: number): ProtocolError {
  return new ProtocolError(
    'BODY_TOO_LARGE',
    `the request body is longer than the ${maxBytes} bytes that it may have here`,
  );
}
