import { Batcher, textArray, withRetry, type Database, type Statement } from '#database';
import { Fault } from '#protocol';
import { Poll } from './poll.js';
import {
  END_OVERDUE,
  END_SESSION,
  FIND_ENDED,
  FORGET_ENDED,
  LIST_SESSIONS,
  OPEN_SESSIONS,
  type EndedRow,
  type SessionRow,
} from './sql/sessions.sql.js';

/** Whose token names no session: one session for the user's device, which a later login continues or begins again. */
export function derivedSessionId(deviceId: string): string {
  return `device:${deviceId}`;
}

export interface SessionKey {
  readonly user: string;
  readonly sessionId: string;
}

/** A token shown at a handshake, or on a live connection in place of an older one. */
export interface Login extends SessionKey {
  readonly deviceId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly address: string;
  readonly userAgent: string | null;
}

/** A connection of a session; told once when the session is over. */
export interface SessionHolder {
  readonly login: Login;
  onSessionEnded(): void;
}

export interface SessionsOptions {
  readonly instanceId: () => string;
  readonly pollMs: number;
  readonly isNotifyOn: boolean;
  readonly idleMs: number;
  readonly retentionMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * A storm comes in groups, and those let in together stay together through the three statements that open their
 * connections: twice as many in each. A handshake that comes alone waits for nothing.
 */
const PACE_MS = 20;

/**
 * Logins of users on devices, across connections and instances. A session that is ended anywhere is over on every
 * instance within a poll: each looks for what ended lately while it holds connections, a hint only makes it look sooner.
 */
export class Sessions {
  private readonly opens: Batcher<{ login: Login; connections: number }, void>;
  private readonly holders = new Map<string, SessionHolder[]>();
  private readonly poll: Poll;
  private lookedAt: Date | null = null;

  constructor(
    private readonly database: Database,
    private readonly options: SessionsOptions,
  ) {
    this.opens = new Batcher<{ login: Login; connections: number }, void>({
      run: (asked) => withRetry(() => this.openAll(asked), { deadlineMs: 2_000 }),
      maxItems: 500,
      paceMs: () => PACE_MS,
    });
    this.poll = new Poll({ everyMs: options.pollMs, run: () => this.look(), onError: options.onError });
  }

  start(): void {
    this.poll.start();
  }

  stop(): Promise<void> {
    return this.poll.stop();
  }

  /** A connection begins. @throws Fault SESSION_ENDED if its session refuses this token */
  open(login: Login): Promise<void> {
    return this.opens.add({ login, connections: 1 });
  }

  /** A connection goes on with another token. @throws Fault SESSION_ENDED */
  renew(login: Login): Promise<void> {
    return this.opens.add({ login, connections: 0 });
  }

  hold(holder: SessionHolder): void {
    const key = keyOf(holder.login);
    this.holders.set(key, [...(this.holders.get(key) ?? []), holder]);
  }

  release(holder: SessionHolder): void {
    const key = keyOf(holder.login);
    const others = this.holders.get(key)?.filter((other) => other !== holder) ?? [];
    if (others.length === 0) this.holders.delete(key);
    else this.holders.set(key, others);
  }

  /** Ends it on every instance. Once more does no harm. @returns false if there is no such session */
  async end({ user, sessionId }: SessionKey, reason: 'logout' | 'revoked'): Promise<boolean> {
    const values = [user, sessionId, reason, this.options.isNotifyOn];
    const [row] = await withRetry(() => this.database.rows('work', END_SESSION, values), { deadlineMs: 2_000 });
    this.poll.soon();
    return row?.is_known === true;
  }

  list(user: string): Promise<SessionRow[]> {
    return this.database.rows('work', LIST_SESSIONS, [user]);
  }

  /** Another instance says that a session has ended. It may lie: this only looks. */
  hint(): void {
    this.poll.soon();
  }

  /** Ends sessions past their token's end, and those without a connection for long. @returns how many, at most 1000 */
  endOverdue(isDryRun = false): Promise<number> {
    return this.countChanged(END_OVERDUE, this.options.idleMs, isDryRun);
  }

  /** Deletes sessions that ended long ago. @returns how many, at most 1000 */
  forgetEnded(isDryRun = false): Promise<number> {
    return this.countChanged(FORGET_ENDED, this.options.retentionMs, isDryRun);
  }

  private async countChanged(what: Statement<unknown>, ms: number, isDryRun: boolean): Promise<number> {
    const ending = isDryRun ? 'rollback' : 'commit';
    return (await this.database.transaction((rows) => rows(what, [ms]), { pool: 'jobs', ending })).length;
  }

  private async openAll(asked: readonly { login: Login; connections: number }[]): Promise<(void | Error)[]> {
    const logins = asked.map(({ login }) => login);
    const rows = await this.database.rows('hot', OPEN_SESSIONS, [
      textArray(logins.map(({ user }) => user)),
      textArray(logins.map(({ sessionId }) => sessionId)),
      textArray(logins.map(({ deviceId }) => deviceId)),
      logins.map(({ issuedAtMs }) => new Date(issuedAtMs).toISOString()),
      logins.map(({ expiresAtMs }) => new Date(expiresAtMs).toISOString()),
      textArray(logins.map(({ address }) => address)),
      textArray(logins.map(({ userAgent }) => userAgent)),
      asked.map(({ connections }) => connections),
      this.options.instanceId(),
    ]);
    const allowed = new Set(rows.map(({ place }) => place));
    return asked.map((_, index) => (allowed.has(index + 1) ? undefined : sessionEnded()));
  }

  /** Without connections there is nothing to end, and nothing is asked. */
  private async look(): Promise<void> {
    if (this.holders.size === 0) this.lookedAt = null;
    if (this.holders.size === 0) return;
    const rows = await this.database.rows('work', FIND_ENDED, [this.lookedAt, this.options.pollMs]);
    this.lookedAt = rows[0]?.read_at ?? null;
    for (const row of rows) this.apply(row);
  }

  private apply({ user_id, session_id, end_reason, refused_until }: EndedRow): void {
    if (user_id === null || session_id === null) return;
    for (const holder of this.holders.get(keyOf({ user: user_id, sessionId: session_id })) ?? []) {
      // Begun again, it goes on for those who showed a later token.
      const isRefused = refused_until !== null && holder.login.issuedAtMs <= Number(refused_until);
      if (end_reason !== null || isRefused) holder.onSessionEnded();
    }
  }
}

export function sessionEnded(): Fault {
  return new Fault('SESSION_ENDED', 'the session of this token has ended; log in again');
}

/** Neither has a space in it. */
function keyOf({ user, sessionId }: SessionKey): string {
  return `${user} ${sessionId}`;
}
