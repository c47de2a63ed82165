import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withRetry, type Database } from '#database';
import type { Notifier } from '../notifier/notifier.port.js';
import { lockKeyOf } from './instance-id.js';
import { REMOVE_SELF } from './sql/find-dead.sql.js';
import { IS_TAKEN, REGISTER_INSTANCE, RENEW_LEASE, type LeaseRow } from './sql/lease.sql.js';

export interface LeaseOptions {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly notifier: Notifier;
  /** False if there is no dedicated session to hold a lock, so that only the lease shows that this instance lives. */
  readonly canLock: boolean;
  /** Returns true while this instance holds its advisory lock. */
  readonly holdsLock: () => boolean;
  /**
   * Called after each renewal. `wasMissing` means that PostgreSQL had emptied the tables, so the registry has to be
   * written again.
   */
  readonly onRenewed: (wasMissing: boolean) => Promise<void>;
  /** Called once, when peers have removed this instance or another has its id; a new one must then replace it. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
}

/** Announcements of new instances may be forged; this pause between two renewals bounds what they cost. */
const JOIN_PAUSE_MS = 200;

export class InstanceIdInUseError extends Error {
  constructor(instanceId: string) {
    super(`INSTANCE_ID ${instanceId} belongs to an instance that is alive; give each process its own, or none`);
    this.name = 'InstanceIdInUseError';
  }
}

/** The tries together give a dying process of the same id this much time to end. */
const TRIES = 10;
const TRY_AGAIN_MS = 200;
/** A failed renewal is repeated this soon, because the peers rely on hearing of this instance. */
const BEAT_AGAIN_MS = 500;

/** The lease is this instance's row in `instances`, which is renewed for as long as the instance lives. */
export class Lease {
  /** Distinguishes this instance from another one that takes over its id. */
  private readonly incarnation = randomUUID();
  /** The time when this instance was made, by performance.now(). */
  private readonly startedAtMs = performance.now();
  /**
   * Identifies the registry that this instance is registered in; after PostgreSQL has emptied it, it has another value.
   */
  private origin: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private joinPause: NodeJS.Timeout | undefined;
  private hasJoinedAgain = false;
  private renewedAt = -Infinity;
  private hasFailed = false;
  private isLost = false;
  /** True from when the row was missing until the registry was written again, however often that fails on the way. */
  private mustRebuild = false;
  private isStopped = false;
  isDraining = false;
  /** The number of other instances at the last renewal. */
  peers = 0;

  constructor(
    private readonly database: Database,
    private readonly options: LeaseOptions,
  ) {
    options.notifier.on('peer-joined', () => this.onPeerJoined());
  }

  /** False once the peers may have removed this instance, as far as it knows. */
  get isHeld(): boolean {
    return !this.isLost && performance.now() - this.renewedAt < this.options.leaseMs;
  }

  /**
   * Waits as long as a dying process of this id may need.
   * @throws InstanceIdInUseError if a living process still holds the id then
   */
  async assertIdIsFree(): Promise<void> {
    const { instanceId, leaseMs, canLock } = this.options;
    const startedAt = performance.now();
    for (;;) {
      const ask = () => this.database.rows(IS_TAKEN, [instanceId, lockKeyOf(instanceId)]);
      const [row] = await withRetry(ask, { deadlineMs: 5_000 });
      // Taking the lock takes the id. Without a lock, only the end of the lease shows that the other process has died.
      if (!row?.is_locked && (canLock || !row?.is_leased)) return;
      const patienceMs = row.is_locked ? TRIES * TRY_AGAIN_MS : leaseMs + TRY_AGAIN_MS;
      if (performance.now() - startedAt > patienceMs) throw new InstanceIdInUseError(instanceId);
      await delay(TRY_AGAIN_MS);
    }
  }

  /**
   * Registers this instance, after LISTEN was established. Rows that a killed process of the same id has left are
   * removed first, because its connections would count as ours.
   * @throws InstanceIdInUseError if another process that started at the same moment has taken the id
   */
  async start(): Promise<void> {
    if (this.options.canLock) await this.waitForLock();
    await this.removeRows(null, 10_000);
    await withRetry(() => this.register(), { deadlineMs: 10_000 });
    await withRetry(() => this.renew(), { deadlineMs: 10_000 });
    // The others then begin to send hints to this one.
    await this.options.notifier.announce();
    this.schedule();
  }

  /**
   * Handles a hint that an instance has joined: renews now, and once more after the pause if other hints came in it.
   */
  private onPeerJoined(): void {
    // Before the start this instance must not write itself in.
    if (this.isStopped || this.origin === null) return;
    if (this.joinPause) {
      this.hasJoinedAgain = true;
      return;
    }
    // A renewal that is under way may have counted the peers too early.
    void Promise.resolve(this.beating).then(() => this.beat());
    this.joinPause = setTimeout(() => {
      this.joinPause = undefined;
      if (!this.hasJoinedAgain) return;
      this.hasJoinedAgain = false;
      this.onPeerJoined();
    }, JOIN_PAUSE_MS);
  }

  /** Renews the lease now, because an instance has joined or the drain has begun. */
  async beat(): Promise<void> {
    if (this.isStopped || this.isLost) return;
    this.beating ??= this.renew()
      .then(
        () => (this.hasFailed = false),
        (error: unknown) => {
          this.hasFailed = true;
          this.options.onError(error);
        },
      )
      .then(() => (this.beating = undefined));
    await this.beating;
  }

  /** Renews the lease after the lock was taken or lost. Before the start nobody needs to know of it. */
  async beatIfStarted(): Promise<void> {
    if (this.origin === null) return;
    // A renewal that is under way has written the lock as it was before.
    await this.beating;
    await this.beat();
  }

  /** Stops renewing and removes the rows of this instance. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.joinPause);
    await this.beating;
    await this.removeRows(this.incarnation, 2_000);
  }

  private async waitForLock(): Promise<void> {
    for (let attempt = 1; !this.options.holdsLock(); attempt++) {
      if (attempt > TRIES) throw new InstanceIdInUseError(this.options.instanceId);
      await delay(TRY_AGAIN_MS);
    }
  }

  /** Removes the rows of this id; without an incarnation, those of any process that had the id. */
  private async removeRows(incarnation: string | null, deadlineMs: number): Promise<void> {
    const { instanceId } = this.options;
    await withRetry(() => this.database.rows(REMOVE_SELF, [instanceId, incarnation]), { deadlineMs });
  }

  private schedule(): void {
    if (this.isStopped || this.isLost) return;
    const waitMs = this.hasFailed ? Math.min(BEAT_AGAIN_MS, this.options.beatMs) : this.options.beatMs;
    this.timer = setTimeout(() => void this.beat().finally(() => this.schedule()), waitMs);
  }

  private async renew(): Promise<void> {
    const askedAt = performance.now();
    let row = await this.ask();
    if (row?.is_held !== true) {
      // If the registry is the same as before, only a peer can have removed the row; an emptied one never had it.
      if (row?.origin === this.origin && this.origin !== null) return this.fence();
      this.mustRebuild = true;
      if (!(await this.register())) return this.fence();
      row = await this.ask();
    }
    this.renewedAt = askedAt;
    this.origin = row?.origin ?? null;
    this.peers = row?.peers ?? 0;
    await this.options.onRenewed(this.mustRebuild);
    this.mustRebuild = false;
  }

  private fence(): void {
    this.isLost = true;
    clearTimeout(this.timer);
    this.options.onLost();
  }

  private async ask(): Promise<LeaseRow | undefined> {
    const [row] = await this.database.rows(RENEW_LEASE, this.values());
    return row;
  }

  /** Registers this instance. @returns false if another process has the id */
  private async register(): Promise<boolean> {
    const rows = await this.database.rows(REGISTER_INSTANCE, [...this.values(), performance.now() - this.startedAtMs]);
    return rows.length > 0;
  }

  private values(): unknown[] {
    const { instanceId, leaseMs, holdsLock } = this.options;
    const lockKey = holdsLock() ? lockKeyOf(instanceId) : null;
    return [instanceId, leaseMs, this.isDraining, lockKey, this.incarnation];
  }
}
