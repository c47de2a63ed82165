import type { DedicatedSession, OpenSession, SessionTenant } from '#database';
import { lockKeyOf } from './instance-id.js';
import { END_FORMER, TAKE_LOCK } from './sql/instance-lock.sql.js';
import { LOCK_CLASS } from './sql/lease.sql.js';

/**
 * The session-level advisory lock that proves an instance alive: PostgreSQL frees it as soon as the process dies. It
 * shares the dedicated session with the notifier, so it costs no connection.
 */
export class InstanceLock implements SessionTenant {
  private readonly key: readonly [number, number];
  /** The backend process of the session that held the lock last. */
  private lastPid: number | undefined;
  isHeld = false;

  constructor(
    private readonly session: DedicatedSession,
    instanceId: string,
    /** Called whenever the lock was taken. */
    private readonly onTaken: () => void,
  ) {
    this.key = [LOCK_CLASS, lockKeyOf(instanceId)];
    session.host(this);
  }

  /** False if there is no session that could hold the lock, so that only the lease shows that this instance lives. */
  get isPossible(): boolean {
    return this.session.isPossible;
  }

  /** Takes the lock; it waits if another session still holds it, which may be a lost one of this instance. */
  async enter(session: OpenSession): Promise<boolean> {
    const [row] = await session.query<{ is_held: boolean }>(TAKE_LOCK, this.key);
    this.isHeld = row?.is_held === true;
    if (this.isHeld) {
      this.lastPid = session.backendPid;
      this.onTaken();
    } else if (this.lastPid) await session.query(END_FORMER, [...this.key, this.lastPid]);
    return this.isHeld;
  }

  leave(): void {
    this.isHeld = false;
  }
}
