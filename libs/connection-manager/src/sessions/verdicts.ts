import { ProtocolError } from '#protocol';
import type { Login } from './login.js';
import type { EndedRow } from './sql/find-ended.sql.js';
import type { JudgedRow } from './sql/sessions.sql.js';

/** Returns true if what ended is the session or token of this login, or everything of its user. */
export function isOver(
  { session_id, token_id, end_reason, refused_until, banned_until }: EndedRow,
  login: Login,
): boolean {
  if (banned_until !== null) return true;
  // The tokens of a session that was erased are remembered by its name.
  if (token_id !== null) return token_id === (login.tokenId ?? `sid:${login.sessionId}`);
  if (session_id !== null && session_id !== login.sessionId) return false;
  // A session that began again goes on for logins with a later token.
  return end_reason !== null || (refused_until !== null && login.issuedAtMs <= Number(refused_until));
}

export function refusalOf({ verdict, banned_until }: JudgedRow): ProtocolError | undefined {
  if (verdict === null) return undefined;
  if (verdict === 'banned') return userBanned(banned_until ?? Infinity);
  if (verdict === 'ended') return sessionEnded();
  return new ProtocolError(
    'TOKEN_INVALID',
    'token: iat lies ahead of the database’s clock: that of its issuer is wrong',
  );
}

export function sessionEnded(): ProtocolError {
  return new ProtocolError(
    'SESSION_ENDED',
    'the session of this token has ended, or the token was revoked; log in again',
  );
}

export function userBanned(until: Date | number): ProtocolError {
  return new ProtocolError(
    'USER_BANNED',
    until instanceof Date ? `the user is banned until ${until.toISOString()}` : 'the user is banned',
  );
}
