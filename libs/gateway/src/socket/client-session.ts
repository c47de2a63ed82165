import type { Tokens } from '#auth';
import type { Login, SessionHolder, Sessions } from '#connection-manager';
import { ProtocolError } from '#protocol';
import { sessionOf, type HandshakeResult } from './admission/handshake.js';
import type { SocketTransport } from './fast-path/socket-transport.js';

export interface ClientSessionOptions {
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  /** How long before the end of its token a client is told of it. */
  readonly tokenNoticeMs: number;
  /** How long a token is good after its end, because the clocks may differ. */
  readonly clockToleranceMs: number;
}

/** One socket's part in a session: its identity, how long that lasts, and its end with the token or the session. */
export class ClientSession implements SessionHolder {
  login: Login;
  heldAt = 0;
  /** The grants of the newest token. */
  grants: readonly string[];
  /** The time at which there is next something to do about the token. */
  private dueAtMs = 0;
  private isAnnounced = false;
  private isOver = false;

  constructor(
    handshake: HandshakeResult,
    private readonly transport: SocketTransport,
    private readonly options: ClientSessionOptions,
  ) {
    this.login = handshake.login;
    this.grants = handshake.grants;
  }

  begin(): void {
    this.options.sessions.hold(this);
  }

  /**
   * Takes a new token in place of the last one. It must have the same sid, because a token without it would not be
   * refused when the session is revoked.
   * @returns when the new token ends
   * @throws ProtocolError TOKEN_INVALID, TOKEN_EXPIRED, SESSION_ENDED, USER_BANNED
   */
  async renew(token: string): Promise<number> {
    const { user, grants, issuedAtMs, expiresAtMs, ...named } = this.options.tokens.verify(token);
    if (user !== this.login.user)
      throw new ProtocolError('TOKEN_INVALID', 'token: sub is another user than this connection’s');
    const session = sessionOf(named, this.login.deviceId);
    if (session.sessionId !== this.login.sessionId) {
      throw new ProtocolError('TOKEN_INVALID', 'token: sid is not that of the token this connection came with');
    }
    const login = { ...this.login, ...session, issuedAtMs, expiresAtMs };
    await this.options.sessions.renew(login);
    this.login = login;
    this.grants = grants;
    this.isAnnounced = false;
    this.dueAtMs = 0;
    return expiresAtMs;
  }

  async logout(): Promise<void> {
    await this.options.sessions.end(this.login, 'logout');
  }

  onSessionEnded(error: ProtocolError): void {
    this.transport.close(error);
  }

  /** To be called when the socket has closed. */
  leave(): void {
    this.isOver = true;
    this.options.sessions.release(this);
  }

  /** Announces the end of the token, and ends the connection once a handshake with the token would be refused. */
  look(nowMs: number): void {
    if (nowMs < this.dueAtMs || this.isOver) return;
    const endsAtMs = this.login.expiresAtMs;
    const noticeAtMs = endsAtMs - this.options.tokenNoticeMs;
    const closesAtMs = endsAtMs + this.options.clockToleranceMs;
    if (nowMs >= closesAtMs) {
      this.isOver = true;
      this.transport.close(new ProtocolError('TOKEN_EXPIRED', 'token: is past its exp'));
    } else if (nowMs >= noticeAtMs && !this.isAnnounced) {
      this.isAnnounced = true;
      this.transport.tokenExpiring({ expiresAt: new Date(endsAtMs).toISOString() });
    }
    this.dueAtMs = nowMs < noticeAtMs ? noticeAtMs : closesAtMs;
  }
}
