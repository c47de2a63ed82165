import { setTimeout as delay } from 'node:timers/promises';
import { withRetry, type Database } from '#database';
import { lockKeyOf } from './instance-id.js';
import { BEAT, GREET, IS_LOCKED } from './sql/beat.sql.js';
import { REMOVE_SELF } from './sql/find-dead.sql.js';

export interface LeaseOptions {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  /** True while this instance's LISTEN connection holds its advisory lock. */
  readonly holdsLock: () => boolean;
  /** After each renewal; `wasMissing`: the row had been written and was gone, so the registry has to be written again. */
  readonly onRenewed: (wasMissing: boolean) => Promise<void>;
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

/** This instance's row in `instances`, renewed by beats for as long as it lives. */
export class Lease {
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private greeting: NodeJS.Timeout | undefined;
  private wasWritten = false;
  private wasGreetedAgain = false;
  private renewedAt = -Infinity;
  private isStopped = false;
  isDraining = false;
  /** Other instances at the last beat. */
  peers = 0;

  constructor(
    private readonly database: Database,
    private readonly options: LeaseOptions,
  ) {}

  get isHeld(): boolean {
    return performance.now() - this.renewedAt < this.options.leaseMs;
  }

  /** @throws InstanceIdInUseError if a living process holds this id, also after the time a dying one needs */
  async assertIdIsFree(): Promise<void> {
    const key = lockKeyOf(this.options.instanceId);
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const [row] = await withRetry(() => this.database.rows('beat', IS_LOCKED, [key]), { deadlineMs: 5_000 });
      if (!row?.is_locked) return;
      await delay(TRY_AGAIN_MS);
    }
    throw new InstanceIdInUseError(this.options.instanceId);
  }

  /**
   * Once LISTEN is there. What a killed process of the same id has left goes first: its connections would count as ours.
   * @throws InstanceIdInUseError if another process that started at the same moment took the id
   */
  async start(): Promise<void> {
    await this.waitForLock();
    await this.removeRows(10_000);
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
    if (this.isStopped) return;
    this.beating ??= this.renew()
      .catch((error: unknown) => this.options.onError(error))
      .finally(() => (this.beating = undefined));
    await this.beating;
  }

  /** After the lock was taken again; before the start nobody needs to know of it. */
  async beatIfStarted(): Promise<void> {
    if (this.wasWritten) await this.beat();
  }

  /** Removes this instance's rows. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.greeting);
    await this.beating;
    await this.removeRows(2_000);
  }

  private async waitForLock(): Promise<void> {
    for (let attempt = 1; !this.options.holdsLock(); attempt++) {
      if (attempt > TRIES) throw new InstanceIdInUseError(this.options.instanceId);
      await delay(TRY_AGAIN_MS);
    }
  }

  private async removeRows(deadlineMs: number): Promise<void> {
    await withRetry(() => this.database.rows('beat', REMOVE_SELF, [this.options.instanceId]), { deadlineMs });
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.beat().finally(() => this.schedule()), this.options.beatMs);
  }

  private async renew(): Promise<void> {
    const { instanceId, leaseMs, holdsLock, onRenewed } = this.options;
    const lockKey = holdsLock() ? lockKeyOf(instanceId) : null;
    const [row] = await this.database.rows('beat', BEAT, [instanceId, leaseMs, this.isDraining, lockKey]);
    this.renewedAt = performance.now();
    this.peers = row?.peers ?? 0;
    const wasMissing = row?.is_new === true && this.wasWritten;
    this.wasWritten = true;
    await onRenewed(wasMissing);
  }
}
