import type { Socket } from 'socket.io';
import type { Identity, Tokens } from '#auth';
import { derivedSessionId, type Login } from '#connection-manager';
import { cut } from '#observability';
import { DEFAULT_DEVICE, Handshake, HandshakeToken, parse, ProtocolError, type Ack } from '#protocol';

/** The result of a handshake, which is the only source of a connection's identity. */
export interface HandshakeResult {
  readonly login: Login;
  readonly grants: readonly string[];
  readonly resume: Ack;
}

const USER_AGENT_MAX = 300;

/**
 * Reads a handshake and verifies its token.
 * @throws ProtocolError TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, BAD_REQUEST
 */
export function readHandshake(socket: Socket, tokens: Tokens, address: string): HandshakeResult {
  const { auth, query, headers } = socket.handshake;
  if ('token' in query)
    throw new ProtocolError('BAD_REQUEST', 'a token in the URL ends up in logs: send it as auth.token');
  if (!('token' in auth)) throw new ProtocolError('TOKEN_MISSING', 'auth.token: required');
  // The token comes first, so that a client without a good one does not make the server look at anything else.
  const { user, grants, issuedAtMs, expiresAtMs, ...named } = tokens.verify(parse(HandshakeToken, auth).token);
  const { deviceId = DEFAULT_DEVICE, resume = {} } = parse(Handshake, auth);
  const userAgent = headers['user-agent'] === undefined ? null : cut(headers['user-agent'], USER_AGENT_MAX);
  const session = sessionOf(named, deviceId);
  const login = { user, ...session, deviceId, issuedAtMs, expiresAtMs, address, userAgent };
  return { login, grants, resume };
}

/** Returns the session of a token: the one that it names, or that of the device, which remembers the token itself. */
export function sessionOf(
  { sessionId, tokenId }: Pick<Identity, 'sessionId' | 'tokenId'>,
  deviceId: string,
): Pick<Login, 'sessionId' | 'tokenId'> {
  if (sessionId !== undefined) return { sessionId, tokenId: undefined };
  return { sessionId: derivedSessionId(deviceId), tokenId };
}
