import type { Tokens } from '#auth';
import { sessionEnded, type Login, type SessionHolder, type Sessions } from '#connection-manager';
import { Fault } from '#protocol';
import type { Guest } from './handshake.js';
import type { SocketOutlet } from './socket-outlet.js';

export interface SocketSessionOptions {
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  /** How long before the end of its token the client is told. */
  readonly tokenNoticeMs: number;
}

/** One socket's part in a session: who it is, for how long, and its end with the token or the session. */
export class SocketSession implements SessionHolder {
  login: Login;
  /** Those of the newest token. */
  grants: readonly string[];
  /** When there is something to do about the token. */
  private dueAtMs = 0;
  private isAnnounced = false;
  private isOver = false;

  constructor(
    guest: Guest,
    private readonly outlet: SocketOutlet,
    private readonly options: SocketSessionOptions,
  ) {
    this.login = guest.login;
    this.grants = guest.grants;
  }

  begin(): void {
    this.options.sessions.hold(this);
  }

  /** @returns when the new token ends. @throws Fault TOKEN_INVALID, TOKEN_EXPIRED, SESSION_ENDED */
  async renew(token: string): Promise<number> {
    const {
      user,
      grants,
      sessionId = this.login.sessionId,
      issuedAtMs,
      expiresAtMs,
    } = this.options.tokens.verify(token);
    if (user !== this.login.user || sessionId !== this.login.sessionId) {
      throw new Fault('TOKEN_INVALID', 'token: belongs to another user or session');
    }
    const login = { ...this.login, issuedAtMs, expiresAtMs };
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

  onSessionEnded(): void {
    this.outlet.close(sessionEnded());
  }

  /** The socket has closed. */
  leave(): void {
    this.isOver = true;
    this.options.sessions.release(this);
  }

  /** Announces the end of the token, and ends the connection with it. */
  look(nowMs: number): void {
    if (nowMs < this.dueAtMs || this.isOver) return;
    const endsAtMs = this.login.expiresAtMs;
    const noticeAtMs = endsAtMs - this.options.tokenNoticeMs;
    if (nowMs >= endsAtMs) {
      this.isOver = true;
      this.outlet.close(new Fault('TOKEN_EXPIRED', 'token: is past its exp'));
    } else if (nowMs >= noticeAtMs && !this.isAnnounced) {
      this.isAnnounced = true;
      this.outlet.tokenExpiring({ expiresAt: new Date(endsAtMs).toISOString() });
    }
    this.dueAtMs = nowMs < noticeAtMs ? noticeAtMs : endsAtMs;
  }
}
