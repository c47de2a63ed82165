import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withRetry, type Database } from '#database';
import { lockKeyOf } from './instance-id.js';
import { BEAT, ENROL, GREET, IS_TAKEN, type BeatRow } from './sql/beat.sql.js';
import { REMOVE_SELF } from './sql/find-dead.sql.js';

export interface LeaseOptions {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  /** False: there is no LISTEN connection to hold a lock, and the lease alone tells that this instance lives. */
  readonly canLock: boolean;
  /** True while this instance's LISTEN connection holds its advisory lock. */
  readonly holdsLock: () => boolean;
  /** After each renewal; `wasMissing`: PostgreSQL had emptied the tables, so the registry has to be written again. */
  readonly onRenewed: (wasMissing: boolean) => Promise<void>;
  /** Once: the peers have given this instance up, or its id is another's. It must be replaced by a new one. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
}

/** Greetings may be forged: this bounds what they cost. */
const GREETING_PAUSE_MS = 200;

export class InstanceIdInUseError extends Error {
  constructor(instanceId: string) {
    super(`INSTANCE_ID ${instanceId} belongs to an instance that is alive; give each process its own, or none`);
    this.name = 'InstanceIdInUseError';
  }
}

/** Together the time a dying process of the same id gets. */
const TRIES = 10;
const TRY_AGAIN_MS = 200;
/** After a beat that failed: peers count on hearing of this instance. */
const BEAT_AGAIN_MS = 500;

/** This instance's row in `instances`, renewed by beats for as long as it lives. */
export class Lease {
  /** Tells this instance from another one that takes over its id. */
  private readonly incarnation = randomUUID();
  /** By performance.now(). */
  private readonly startedAtMs = performance.now();
  /** Which life of the registry this instance is written in. */
  private origin: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private greeting: NodeJS.Timeout | undefined;
  private wasGreetedAgain = false;
  private renewedAt = -Infinity;
  private hasFailed = false;
  private isLost = false;
  private isStopped = false;
  isDraining = false;
  /** Other instances at the last beat. */
  peers = 0;

  constructor(
    private readonly database: Database,
    private readonly options: LeaseOptions,
  ) {}

  /** False once the peers may have given this instance up, for all it knows. */
  get isHeld(): boolean {
    return !this.isLost && performance.now() - this.renewedAt < this.options.leaseMs;
  }

  /** @throws InstanceIdInUseError if a living process holds this id, also after the time a dying one needs */
  async assertIdIsFree(): Promise<void> {
    const { instanceId, leaseMs, canLock } = this.options;
    const startedAt = performance.now();
    for (;;) {
      const ask = () => this.database.rows('beat', IS_TAKEN, [instanceId, lockKeyOf(instanceId)]);
      const [row] = await withRetry(ask, { deadlineMs: 5_000 });
      // Who takes a lock has the id with it; without one, only the end of the lease shows that a process has died.
      if (!row?.is_locked && (canLock || !row?.is_leased)) return;
      const patienceMs = row.is_locked ? TRIES * TRY_AGAIN_MS : leaseMs + TRY_AGAIN_MS;
      if (performance.now() - startedAt > patienceMs) throw new InstanceIdInUseError(instanceId);
      await delay(TRY_AGAIN_MS);
    }
  }

  /**
   * Once LISTEN is there. What a killed process of the same id has left goes first: its connections would count as ours.
   * @throws InstanceIdInUseError if another process that started at the same moment took the id
   */
  async start(): Promise<void> {
    if (this.options.canLock) await this.waitForLock();
    await this.removeRows(null, 10_000);
    await withRetry(() => this.enrol(), { deadlineMs: 10_000 });
    await withRetry(() => this.renew(), { deadlineMs: 10_000 });
    await this.database.rows('wake', GREET, [this.options.instanceId]);
    this.schedule();
  }

  /** Somebody says that a peer has appeared: renews now, and once more for those who say so within the pause. */
  greeted(): void {
    if (this.isStopped) return;
    if (this.greeting) {
      this.wasGreetedAgain = true;
      return;
    }
    // One that is under way may have looked too early.
    void Promise.resolve(this.beating).then(() => this.beat());
    this.greeting = setTimeout(() => {
      this.greeting = undefined;
      if (!this.wasGreetedAgain) return;
      this.wasGreetedAgain = false;
      this.greeted();
    }, GREETING_PAUSE_MS);
  }

  /** Renews now: a peer has appeared, or the drain began. */
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

  /** After the lock was taken or lost; before the start nobody needs to know of it. */
  async beatIfStarted(): Promise<void> {
    if (this.origin === null) return;
    // One that is under way has written the lock down as it was before.
    await this.beating;
    await this.beat();
  }

  /** Removes this instance's rows. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.greeting);
    await this.beating;
    await this.removeRows(this.incarnation, 2_000);
  }

  private async waitForLock(): Promise<void> {
    for (let attempt = 1; !this.options.holdsLock(); attempt++) {
      if (attempt > TRIES) throw new InstanceIdInUseError(this.options.instanceId);
      await delay(TRY_AGAIN_MS);
    }
  }

  /** Without an incarnation: whoever's they are. */
  private async removeRows(incarnation: string | null, deadlineMs: number): Promise<void> {
    const { instanceId } = this.options;
    await withRetry(() => this.database.rows('beat', REMOVE_SELF, [instanceId, incarnation]), { deadlineMs });
  }

  private schedule(): void {
    if (this.isStopped || this.isLost) return;
    const waitMs = this.hasFailed ? Math.min(BEAT_AGAIN_MS, this.options.beatMs) : this.options.beatMs;
    this.timer = setTimeout(() => void this.beat().finally(() => this.schedule()), waitMs);
  }

  private async renew(): Promise<void> {
    const askedAt = performance.now();
    let row = await this.ask();
    const wasMissing = row?.is_held !== true;
    if (wasMissing) {
      // In the same registry as before, only a peer can have removed the row; a new one has never known it.
      if (row?.origin === this.origin && this.origin !== null) return this.lose();
      if (!(await this.enrol())) return this.lose();
      row = await this.ask();
    }
    this.renewedAt = askedAt;
    this.origin = row?.origin ?? null;
    this.peers = row?.peers ?? 0;
    await this.options.onRenewed(wasMissing);
  }

  private lose(): void {
    this.isLost = true;
    clearTimeout(this.timer);
    this.options.onLost();
  }

  private async ask(): Promise<BeatRow | undefined> {
    const [row] = await this.database.rows('beat', BEAT, this.values());
    return row;
  }

  /** @returns false if the id is another's */
  private async enrol(): Promise<boolean> {
    const rows = await this.database.rows('beat', ENROL, [...this.values(), performance.now() - this.startedAtMs]);
    return rows.length > 0;
  }

  private values(): unknown[] {
    const { instanceId, leaseMs, holdsLock } = this.options;
    const lockKey = holdsLock() ? lockKeyOf(instanceId) : null;
    return [instanceId, leaseMs, this.isDraining, lockKey, this.incarnation];
  }
}
