import type { Socket } from 'socket.io';
import type { Identity, Tokens } from '#auth';
import { DEFAULT_DEVICE, Fault, Handshake, parse, type Ack } from '#protocol';

/** What the handshake established; the one source of a connection's identity. */
export interface Guest {
  readonly identity: Identity;
  readonly deviceId: string;
  readonly resume: Ack;
  readonly address: string;
}

/** @throws Fault TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, BAD_REQUEST */
export function greet(socket: Socket, tokens: Tokens, address: string): Guest {
  const { auth, query } = socket.handshake;
  if ('token' in query) throw new Fault('BAD_REQUEST', 'a token in the URL ends up in logs: send it as auth.token');
  if (!('token' in auth)) throw new Fault('TOKEN_MISSING', 'auth.token: required');
  const { token, deviceId = DEFAULT_DEVICE, resume = {} } = parse(Handshake, auth);
  return { identity: tokens.verify(token), deviceId, resume, address };
}
