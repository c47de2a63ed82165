import { Batcher, textArray, withRetry, type Database, type Statement } from '#database';
import type { ProtocolError } from '#protocol';
import { addressTo } from '../notifier/hint.js';
import type { Notifier } from '../notifier/notifier.port.js';
import { Repeater } from '../repeater.js';
import type { Login, SessionKey } from './login.js';
import { FIND_ENDED, type EndedRow } from './sql/find-ended.sql.js';
import { FORGET_BANS } from './sql/bans.sql.js';
import {
  END_ALL_SESSIONS,
  END_OVERDUE,
  END_SESSION,
  FORGET_ENDED,
  FORGET_TOKENS,
  LIST_SESSIONS,
  OPEN_SESSIONS,
  type SessionRow,
} from './sql/sessions.sql.js';
import { isOver, refusalOf, sessionEnded, userBanned } from './verdicts.js';

/** A connection of a session. It is told when its session is over, its token is refused or its user is banned. */
export interface SessionHolder {
  readonly login: Login;
  /** The number of looks for ended sessions that had begun when this was held; {@link Sessions} sets it. */
  heldAt: number;
  onSessionEnded(error: ProtocolError): void;
}

export interface SessionsOptions {
  readonly instanceId: string;
  readonly pollMs: number;
  readonly notifier: Notifier;
  readonly idleMs: number;
  readonly retentionMs: number;
  /** Milliseconds by which the clocks of token issuers and of the database may differ. */
  readonly clockToleranceMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Handshakes of a storm are let in as groups, which stay together through the three statements that open their
 * connections: each then carries twice as many. A handshake that comes alone waits for nothing.
 */
const PACE_MS = 20;

/**
 * Sessions are logins of users on devices, across connections and instances. A session that is ended anywhere is over
 * on every instance within a poll, because each instance with connections looks for what ended lately. A hint only
 * makes it look sooner.
 */
export class Sessions {
  private readonly opens: Batcher<{ login: Login; connections: number }, void>;
  /** The open connections of each user. */
  private readonly holders = new Map<string, SessionHolder[]>();
  private readonly repeater: Repeater;
  private lookedAt: Date | null = null;
  private looks = 0;

  constructor(
    private readonly database: Database,
    private readonly options: SessionsOptions,
  ) {
    this.opens = new Batcher<{ login: Login; connections: number }, void>({
      run: (asked) => withRetry(() => this.openAll(asked), { deadlineMs: 2_000 }),
      maxItems: 500,
      paceMs: () => PACE_MS,
    });
    this.repeater = new Repeater({ everyMs: options.pollMs, run: () => this.look(), onError: options.onError });
    // Either may be forged or late, so they only make it look.
    options.notifier.on('sessions-ended', () => this.lookSoon());
    options.notifier.on('listening', () => this.lookSoon());
  }

  start(): void {
    this.repeater.start();
  }

  stop(): Promise<void> {
    return this.repeater.stop();
  }

  /**
   * Opens or continues the session of a new connection.
   * @throws ProtocolError SESSION_ENDED, USER_BANNED, or TOKEN_INVALID if the token was issued in the future
   */
  open(login: Login): Promise<void> {
    return this.opens.add({ login, connections: 1 });
  }

  /** Continues a connection with another token. @throws ProtocolError as {@link open} does */
  renew(login: Login): Promise<void> {
    return this.opens.add({ login, connections: 0 });
  }

  hold(holder: SessionHolder): void {
    const { user } = holder.login;
    holder.heldAt = this.looks;
    this.holders.set(user, [...(this.holders.get(user) ?? []), holder]);
  }

  release(holder: SessionHolder): void {
    const { user } = holder.login;
    const others = this.holders.get(user)?.filter((other) => other !== holder) ?? [];
    if (others.length === 0) this.holders.delete(user);
    else this.holders.set(user, others);
  }

  /** Ends a session on every instance; doing so again does no harm. @returns false if there is no such session */
  async end({ user, sessionId }: SessionKey, reason: 'logout' | 'revoked'): Promise<boolean> {
    const row = await this.endBy(END_SESSION, user, sessionId, reason);
    return row?.is_known === true;
  }

  /**
   * Ends every session of the user, and refuses all tokens issued to the user so far.
   * @param isErased true if the sessions are erased next, and with them the knowledge that their tokens are refused
   * @returns how many sessions were open
   */
  async endAll(user: string, isErased = false): Promise<number> {
    const row = await this.endBy(END_ALL_SESSIONS, user, '', 'revoked', isErased);
    return row?.ended ?? 0;
  }

  list(user: string): Promise<SessionRow[]> {
    return this.database.rows('work', LIST_SESSIONS, [user]);
  }

  /** Looks for what has ended without waiting for the poll. */
  lookSoon(): void {
    this.repeater.soon();
  }

  /** Ends sessions whose token has expired, and those without a connection for long. @returns how many, at most 1000 */
  endOverdue(isDryRun = false): Promise<number> {
    return this.countChanged(END_OVERDUE, [this.options.idleMs, this.options.clockToleranceMs], isDryRun);
  }

  /** Deletes sessions that ended long ago. @returns how many, at most 1000 */
  forgetEnded(isDryRun = false): Promise<number> {
    return this.countChanged(FORGET_ENDED, [this.options.retentionMs, this.options.clockToleranceMs], isDryRun);
  }

  /** Deletes what is remembered about expired tokens. @returns how many, at most 1000 */
  forgetTokens(isDryRun = false): Promise<number> {
    return this.countChanged(FORGET_TOKENS, [this.options.clockToleranceMs], isDryRun);
  }

  /** Deletes bans that ended long ago. @returns how many, at most 1000 */
  forgetBans(isDryRun = false): Promise<number> {
    return this.countChanged(FORGET_BANS, [this.options.retentionMs], isDryRun);
  }

  private async countChanged(what: Statement<unknown>, values: readonly number[], isDryRun: boolean): Promise<number> {
    const ending = isDryRun ? 'rollback' : 'commit';
    return (await this.database.transaction((rows) => rows(what, values), { pool: 'jobs', ending })).length;
  }

  private async endBy<Row extends { instances: string[] }>(
    what: Statement<Row>,
    user: string,
    sessionId: string,
    reason: string,
    ...more: readonly unknown[]
  ): Promise<Row | undefined> {
    const values = [user, sessionId, reason, this.options.clockToleranceMs, ...more];
    const [row] = await withRetry(() => this.database.rows('work', what, values), { deadlineMs: 2_000 });
    this.repeater.soon();
    await this.options.notifier.tell(addressTo(row?.instances ?? [], { kind: 'sessions-ended' }));
    return row;
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
      this.options.instanceId,
      textArray(logins.map(({ tokenId }) => tokenId ?? null)),
      this.options.clockToleranceMs,
    ]);
    const verdicts = new Map(rows.map((row) => [row.place, refusalOf(row)]));
    return asked.map((_, index) => verdicts.get(index + 1));
  }

  /** Looks for what ended lately. Without connections there is nothing to end, so the database is not asked. */
  private async look(): Promise<void> {
    if (this.holders.size === 0) this.lookedAt = null;
    if (this.holders.size === 0) return;
    this.looks += 1;
    const rows = await this.database.rows('work', FIND_ENDED, [this.lookedAt, this.options.pollMs]);
    this.lookedAt = rows[0]?.read_at ?? null;
    for (const row of rows) this.apply(row);
  }

  private apply(row: EndedRow): void {
    for (const holder of this.holders.get(row.user_id ?? '') ?? []) {
      // A login that came during this read may have begun the session again, so the next look decides about it.
      const isOlder = holder.heldAt < this.looks;
      if (isOlder && isOver(row, holder.login)) {
        holder.onSessionEnded(row.banned_until === null ? sessionEnded() : userBanned(row.banned_until));
      }
    }
  }
}
